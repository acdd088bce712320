/** Frames that wait for a slow subscriber, bounded: the oldest go when there is no room. */
export class MessageRing<Owner, Frame extends { readonly byteLength: number }> {
  readonly #maxBytes: number;
  #frames: { readonly owner: Owner; readonly frame: Frame }[] = [];
  #at = 0;
  #bytes = 0;
  readonly #dropped = new Map<Owner, number>();

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#at === this.#frames.length && this.#dropped.size === 0;
  }

  push(owner: Owner, frame: Frame): void {
    this.#frames.push({ owner, frame });
    this.#bytes += frame.byteLength;
    while (this.#bytes > this.#maxBytes) {
      const oldest = this.shift();
      if (oldest === undefined) return;
      this.#dropped.set(oldest.owner, (this.#dropped.get(oldest.owner) ?? 0) + 1);
    }
  }

  /** The oldest frame that waits. */
  shift(): { readonly owner: Owner; readonly frame: Frame } | undefined {
    const oldest = this.#frames[this.#at];
    if (oldest === undefined) return undefined;
    this.#at += 1;
    this.#bytes -= oldest.frame.byteLength;
    if (this.#at > 64 && this.#at * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#at);
      this.#at = 0;
    }
    return oldest;
  }

  /** How many frames of each owner were dropped since this was last asked. */
  takeDropped(): [Owner, number][] {
    const dropped = [...this.#dropped];
    this.#dropped.clear();
    return dropped;
  }

  forget(owner: Owner): void {
    this.#dropped.delete(owner);
    this.#frames = this.#frames.slice(this.#at).filter((waiting) => waiting.owner !== owner);
    this.#at = 0;
    this.#bytes = this.#frames.reduce((sum, { frame }) => sum + frame.byteLength, 0);
  }
}
