import type { HubEvents } from "@conat/conat/internal";
import type { Socket } from "socket.io";
import type { Tally } from "../observability/tally.ts";
import { type EventFrame, encodeEvent } from "./event-frame.ts";
import { type PeerSocket, peerSocketOf } from "./peer-socket.ts";

type EngineSocket = Socket["conn"];

/** A connection whose outbox is this many times its bound is not worth keeping. */
const CUT_OFF_FACTOR = 4;

/** Frames of one turn up to this many bytes are copied into one buffer, which costs less than writing each. */
const JOIN_BYTES = 65_536;

/** How long what may linger stays at most, to leave together with what follows, in milliseconds. */
const LINGER_MS = 4;

export interface OutboxOptions {
  readonly conn: EngineSocket;
  readonly maxBytes: number;
  readonly tally: Tally;
  /** Bytes have left; there may be room again. */
  readonly onDrain: () => void;
  /** The peer does not read at all, and what waits for it is beyond every bound. */
  readonly onOverflow: () => void;
}

/** Outboxes that were given something since the last tick. */
let filled: Outbox[] = [];

/** Outboxes that have something that may linger. */
let lingering: Outbox[] = [];

function flushFilled(): void {
  const outboxes = filled;
  filled = [];
  for (const outbox of outboxes) if (!outbox.goesLast) outbox.flush();
  for (const outbox of outboxes) outbox.flush();
}

function flushLingering(): void {
  const outboxes = lingering;
  lingering = [];
  for (const outbox of outboxes) outbox.endLingering();
}

/**
 * The way to one client: knows how much waits to be read there. What it is given in one go leaves in one piece, past
 * Engine.IO, which would make a packet, a queue and a handful of events of every frame; only behind packets of its own
 * that still wait do frames queue with them.
 */
export class Outbox {
  readonly #conn: EngineSocket;
  readonly #peer: PeerSocket;
  readonly #maxBytes: number;
  readonly #tally: Tally;
  readonly #onDrain: () => void;
  readonly #onOverflow: () => void;
  /** What was given since the last flush: mostly one frame, so that a list is made for the second. */
  #frame: EventFrame | undefined;
  #further: EventFrame[] | undefined;
  #framesBytes = 0;
  /** Gives what is to leave with the next flush. */
  #giveLate: (() => void) | undefined;
  /** The next tick flushes it. */
  #isFilled = false;
  #isLingering = false;
  #goesLast = false;
  /** Engine.IO may have packets that wait for the WebSocket. */
  #isQueueing: boolean;
  /** Bytes of frames that wait behind them. */
  #heldBytes = 0;
  /** The network may not have taken everything yet. Mostly it has, at once, and need not be asked again. */
  #isWaiting = true;

  constructor({ conn, maxBytes, tally, onDrain, onOverflow }: OutboxOptions) {
    this.#conn = conn;
    this.#peer = peerSocketOf(conn);
    this.#maxBytes = maxBytes;
    this.#tally = tally;
    this.#onDrain = onDrain;
    this.#onOverflow = onOverflow;
    this.#isQueueing = !conn.transport.writable;
    conn.on("packetCreate", () => {
      this.#isQueueing = true;
      this.#isWaiting = true;
    });
    conn.on("flush", () => {
      this.#isQueueing = false;
      this.#heldBytes = 0;
    });
    conn.transport.on("drain", onDrain);
  }

  /** Bytes given to this connection that the network has not taken yet. */
  get bytes(): number {
    const waitingBytes = this.#isWaiting ? this.#peer.bufferedAmount : 0;
    return this.#framesBytes + this.#heldBytes + waitingBytes;
  }

  /** The client reads more slowly than it is told things. */
  get isFull(): boolean {
    return this.bytes > this.#maxBytes;
  }

  /** What it is given in this turn leaves behind what all others are given. */
  get goesLast(): boolean {
    return this.#goesLast;
  }

  /** Lets the others of this turn go first: what they are told is news to them. */
  goLast(): void {
    this.#goesLast = true;
  }

  send<Name extends keyof HubEvents>(event: Name, ...message: Parameters<HubEvents[Name]>): void {
    this.sendFrame(encodeEvent(event, ...message));
  }

  /**
   * Sends what {@link encodeEvent} has made when the current work of the event loop is done.
   * @param mayLinger it may wait for a few milliseconds for something that does not
   */
  sendFrame(frame: EventFrame, mayLinger = false): void {
    if (this.#conn.readyState !== "open") return;
    this.#tally.framesOut += 1;
    this.#tally.bytesOut += frame.byteLength;
    if (this.#frame !== undefined) {
      this.#further ??= [];
      this.#further.push(frame);
    } else {
      this.#frame = frame;
    }
    this.#framesBytes += frame.byteLength;
    if (this.#framesBytes >= JOIN_BYTES) this.flush();
    else if (mayLinger) this.#linger();
    else this.#fill();
  }

  /** Calls `give` before the next flush, which is when the current work is done: what it sends may grow until then. */
  sendLate(give: () => void): void {
    this.#giveLate = give;
    this.#fill();
  }

  #fill(): void {
    if (this.#isFilled) return;
    this.#isFilled = true;
    if (filled.push(this) === 1) process.nextTick(flushFilled);
  }

  #linger(): void {
    if (this.#isFilled || this.#isLingering) return;
    this.#isLingering = true;
    if (lingering.push(this) === 1) setTimeout(flushLingering, LINGER_MS);
  }

  endLingering(): void {
    this.#isLingering = false;
    this.flush();
  }

  /** Hands over everything now. */
  flush(): void {
    const giveLate = this.#giveLate;
    this.#giveLate = undefined;
    giveLate?.();
    this.#isFilled = false;
    this.#goesLast = false;
    const frame = this.#frame;
    if (frame === undefined) return;
    const further = this.#further;
    const bytes = this.#framesBytes;
    this.#frame = undefined;
    this.#further = undefined;
    this.#framesBytes = 0;
    if (this.#conn.readyState !== "open") return;
    if (!this.#peer.takesFrames || this.#isQueueing) {
      this.#heldBytes += bytes;
      for (const { payload, options } of [frame, ...(further ?? [])]) {
        this.#conn.write(payload, options);
      }
      if (this.#heldBytes > this.#maxBytes * CUT_OFF_FACTOR) this.#onOverflow();
      return;
    }
    if (further === undefined) {
      this.#peer.sendFrame(frame.encoded, this.#onDrain);
    } else {
      this.#sendAll([frame, ...further], bytes);
    }
    const waitingBytes = this.#peer.bufferedAmount;
    this.#isWaiting = waitingBytes > 0;
    if (waitingBytes > this.#maxBytes * CUT_OFF_FACTOR) this.#onOverflow();
  }

  #sendAll(frames: readonly EventFrame[], bytes: number): void {
    if (bytes <= JOIN_BYTES) {
      const joined = Buffer.concat(frames.map(({ encoded }) => encoded[0]));
      this.#peer.sendFrame([joined], this.#onDrain);
    } else {
      for (const { encoded } of frames) this.#peer.sendFrame(encoded, this.#onDrain);
    }
  }
}
