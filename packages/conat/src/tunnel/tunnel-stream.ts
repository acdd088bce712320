import { Duplex } from "node:stream";
import { decodeTunnelMessage, encodeTunnelMessage, type TunnelMessage } from "./tunnel-message.ts";

/** Bytes on their way that the other side has not read: more than a turn's work, and little for a hub with thousands. */
export const TUNNEL_WINDOW_BYTES = 262_144;

/** Far below what a NATS server takes in one message, 1 MB by default. */
const MAX_DATA_BYTES = 65_536;

/** After so many bytes the other side is told that they were read. */
const TELL_TAKEN_BYTES = TUNNEL_WINDOW_BYTES / 4;

/** Longest reason of a reset that is shown to people, in bytes. */
const MAX_REASON_BYTES = 1_000;

/**
 * A byte stream made of messages, both ways, as a TCP connection is: in order, nothing lost unnoticed, and no more on
 * its way than a window. NATS delivers in order and at most once; a gap ends the stream.
 */
export class TunnelStream extends Duplex {
  readonly #send: (message: Uint8Array) => void;
  #sentMessages = 0;
  #sentBytes = 0;
  /** Of these the other side has read. */
  #sentTaken = 0;
  #rest: Uint8Array = new Uint8Array();
  #onSent: (() => void) | undefined;
  #receivedMessages = 0;
  #receivedBytes = 0;
  /** Of these this side has read, and has told so. */
  #taken = 0;
  #told = 0;
  #isGoneThere = false;

  /** @param send takes a message of this side on its way */
  constructor(send: (message: Uint8Array) => void) {
    super();
    this.#send = send;
  }

  /** A message of the other side. What is none ends the stream. */
  receive(bytes: Uint8Array): void {
    if (this.destroyed) return;
    const message = decodeTunnelMessage(bytes);
    if (message === undefined) this.destroy(new Error("the tunnel has brought what is no message"));
    else this.#receive(message);
  }

  #receive({ kind, number, bytes }: TunnelMessage): void {
    switch (kind) {
      case "welcome":
        return;
      case "taken":
        if (number > this.#sentBytes) {
          this.destroy(new Error("the other side has read more than was sent"));
        } else if (number > this.#sentTaken) {
          this.#sentTaken = number;
          this.#pump();
        }
        return;
      case "reset": {
        this.#isGoneThere = true;
        const reason = new TextDecoder().decode(bytes.subarray(0, MAX_REASON_BYTES));
        this.destroy(new Error(reason || "the other side has closed the tunnel"));
        return;
      }
      case "data":
      case "end":
        this.#receivedMessages += 1;
        if (number !== this.#receivedMessages) {
          this.destroy(new Error("a part of what was sent is lost"));
        } else if (kind === "end") this.push(null);
        else this.#take(bytes);
    }
  }

  #take(bytes: Uint8Array): void {
    this.#receivedBytes += bytes.length;
    if (this.#receivedBytes - this.#taken > TUNNEL_WINDOW_BYTES) {
      this.destroy(new Error("the other side sends more than may be on its way"));
    } else if (this.push(bytes)) this.#tellTaken();
  }

  #tellTaken(): void {
    this.#taken = this.#receivedBytes;
    if (this.#taken - this.#told < TELL_TAKEN_BYTES) return;
    this.#told = this.#taken;
    this.#send(encodeTunnelMessage("taken", this.#taken));
  }

  override _read(): void {
    this.#tellTaken();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: () => void): void {
    this.#rest = chunk;
    this.#onSent = callback;
    this.#pump();
  }

  override _writev(chunks: { chunk: Uint8Array }[], callback: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "binary", callback);
  }

  #pump(): void {
    while (this.#rest.length > 0) {
      const room = TUNNEL_WINDOW_BYTES - (this.#sentBytes - this.#sentTaken);
      if (room === 0) return;
      const bytes = this.#rest.subarray(0, Math.min(room, MAX_DATA_BYTES));
      this.#rest = this.#rest.subarray(bytes.length);
      this.#sentBytes += bytes.length;
      this.#sendNumbered("data", bytes);
    }
    const onSent = this.#onSent;
    this.#onSent = undefined;
    onSent?.();
  }

  override _final(callback: () => void): void {
    this.#sendNumbered("end");
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (!this.#isGoneThere && !(this.readableEnded && this.writableFinished)) {
      this.#send(encodeTunnelMessage("reset", 0));
    }
    callback(error);
  }

  #sendNumbered(kind: "data" | "end", bytes?: Uint8Array): void {
    this.#sentMessages += 1;
    this.#send(encodeTunnelMessage(kind, this.#sentMessages, bytes));
  }
}
