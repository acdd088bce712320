/** Room for most frames and blocks, in bytes; what had to grow further than the second is let go of. */
const ROOM_BYTES = 4_096;
const MAX_KEPT_BYTES = 262_144;

/** Where one encoding after the other is written: room of its own for each costs more than writing a short one. */
export class Scratch {
  protected bytes = new Uint8Array(ROOM_BYTES);
  protected length = 0;

  /** What was written, where it lies: until something else does. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > MAX_KEPT_BYTES) this.bytes = new Uint8Array(ROOM_BYTES);
  }

  /** Makes room for so many more bytes. */
  reserve(more: number): void {
    if (this.length + more > this.bytes.length) this.#grow(more);
  }

  #grow(more: number): void {
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    grown.set(this.written());
    this.bytes = grown;
  }

  /** Where so many more bytes begin. */
  protected take(more: number): number {
    this.reserve(more);
    const at = this.length;
    this.length = at + more;
    return at;
  }

  raw(bytes: Uint8Array): void {
    const at = this.take(bytes.length);
    this.bytes.set(bytes, at);
  }

  /** Writes text in ASCII, faster than the platform's encoder when it is short; false, and nothing, for any other text. */
  protected ascii(text: string): boolean {
    this.reserve(text.length);
    const start = this.length;
    for (let at = 0; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      if (unit > 0x7f) return false;
      this.bytes[start + at] = unit;
    }
    this.length = start + text.length;
    return true;
  }
}
