import type { Msg, NatsConnection, Subscription } from "@nats-io/nats-core";
import {
  NatsConnectionImpl,
  Parser,
  type ProtocolHandler,
  State,
} from "@nats-io/nats-core/internal";
import { isAsciiAt } from "../protocol/utf8.ts";
import { type RawMessage, readDigits, toRawMessage } from "./raw-message.ts";

type RawListener = (message: RawMessage) => void;

/** Who is told messages as bytes, by the callback that the client library has instead. */
const listeners = new WeakMap<object, RawListener>();

/**
 * Subscribes to messages as bytes. The client library reads a message by cutting it into six or seven parts, with an
 * object for each: on a connection that {@link readFrames} has seen, most of them are read without it.
 */
export function subscribeRaw(
  connection: NatsConnection,
  subject: string,
  onMessage: RawListener,
  onError: (error: Error) => void,
): Subscription {
  const callback = (error: Error | null, message: Msg): void => {
    if (error) onError(error);
    else onMessage(toRawMessage(message));
  };
  listeners.set(callback, onMessage);
  return connection.subscribe(subject, { callback });
}

/** To be called whenever a connection is up: the client library begins each with a parser of its own. */
export function readFrames(connection: NatsConnection): void {
  if (!(connection instanceof NatsConnectionImpl)) return;
  const { protocol } = connection;
  // It may be in the middle of a message.
  protocol.parser = Object.assign(new FrameParser(protocol), protocol.parser);
}

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;
const H = 0x48;
const M = 0x4d;

/** Behind each line, and behind each message. */
const CRLF_BYTES = 2;

/** Reads whole messages of {@link subscribeRaw} where they lie. What comes between them is the client library's. */
class FrameParser extends Parser {
  readonly #protocol: ProtocolHandler;
  #callback: object | undefined;
  #listener: RawListener | undefined;

  constructor(protocol: ProtocolHandler) {
    super(protocol);
    this.#protocol = protocol;
  }

  override parse(chunk: Uint8Array): void {
    /** What is before it is read. */
    let from = this.#finish(chunk);
    for (let at = from, next = at; at < chunk.length; at = next) {
      const isMessage = chunk[at] === M || chunk[at] === H;
      const frame = isMessage ? readFrame(chunk, at) : undefined;
      next = isMessage ? (frame?.next ?? 0) : chunk.indexOf(LF, at) + 1;
      // The rest of it comes with the next chunk.
      if (next === 0) break;
      if (frame === undefined || !this.#isHeard(frame.sid)) continue;
      this.#leaveToLibrary(chunk, from, at);
      this.#tell(frame);
      from = next;
    }
    this.#leaveToLibrary(chunk, from, chunk.length);
  }

  /** What the library has begun to read it reads to the end. Returns where that is. */
  #finish(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length && this.state !== State.OP_START) {
      const missing = this.ma?.size - (this.msgBuf?.length ?? 0);
      const end =
        this.state === State.MSG_PAYLOAD
          ? Math.min(at + missing + CRLF_BYTES, chunk.length)
          : chunk.indexOf(LF, at) + 1 || chunk.length;
      this.#leaveToLibrary(chunk, at, end);
      at = end;
    }
    return at;
  }

  #leaveToLibrary(chunk: Uint8Array, start: number, end: number): void {
    if (start < end) super.parse(chunk.subarray(start, end));
  }

  #isHeard(sid: number): boolean {
    const subscription = this.#protocol.subscriptions.get(sid);
    // The library counts what comes to one that ends after so many.
    return subscription?.max === undefined && this.#listenerOf(subscription) !== undefined;
  }

  #tell(frame: Frame): void {
    const { subscriptions } = this.#protocol;
    const subscription = subscriptions.get(frame.sid);
    const listener = this.#listenerOf(subscription);
    this.#protocol.inMsgs += 1;
    this.#protocol.inBytes += frame.end - frame.start;
    // What the library has just told may have ended it.
    if (subscription === undefined || listener === undefined) return;
    subscription.received += 1;
    listener(frame);
  }

  /** Mostly that of the message before. */
  #listenerOf(subscription: { readonly callback: object } | undefined): RawListener | undefined {
    if (subscription === undefined) return undefined;
    const { callback } = subscription;
    if (callback !== this.#callback) {
      this.#callback = callback;
      this.#listener = listeners.get(callback);
    }
    return this.#listener;
  }
}

/** A message where it lies in a chunk. */
interface Frame extends RawMessage {
  /** Number of the subscription it is for. */
  readonly sid: number;
  /** Where the next one starts. */
  readonly next: number;
}

/**
 * Reads `MSG <subject> <sid> [reply] <size>` or `HMSG <subject> <sid> [reply] <size of headers> <size>`, and what follows.
 * Undefined when it is not whole, or is not what nats-server would send; the client library then says what is wrong.
 */
function readFrame(chunk: Uint8Array, at: number): Frame | undefined {
  const hasHeaders = chunk[at] === H;
  const verb = hasHeaders ? "HMSG " : "MSG ";
  if (!isAsciiAt(verb, chunk, at)) return undefined;
  const subjectStart = at + verb.length;
  const subjectEnd = endOfWord(chunk, subjectStart);
  const sidEnd = endOfWord(chunk, subjectEnd + 1);
  let lineEnd = sidEnd;
  while (lineEnd < chunk.length && chunk[lineEnd] !== CR) lineEnd += 1;
  // What seems to be a word of a line that is cut may be a part of another one, or of what is before the line.
  if (lineEnd >= chunk.length) return undefined;
  const sizeAt = startOfWord(chunk, lineEnd);
  const headersAt = hasHeaders ? startOfWord(chunk, sizeAt - 1) : sizeAt;
  if (headersAt <= sidEnd) return undefined;
  const start = lineEnd + CRLF_BYTES;
  const payloadAt = hasHeaders ? start + wholeNumber(chunk, headersAt, sizeAt - 1) : start;
  const end = start + wholeNumber(chunk, sizeAt, lineEnd);
  const next = end + CRLF_BYTES;
  // False also where one of them is no number.
  if (!(payloadAt <= end) || chunk[end] !== CR || chunk[end + 1] !== LF) return undefined;
  return {
    line: chunk,
    subjectStart,
    subjectEnd,
    replyStart: Math.min(sidEnd + 1, headersAt - 1),
    replyEnd: headersAt - 1,
    bytes: chunk,
    start,
    payloadAt,
    end,
    sid: wholeNumber(chunk, subjectEnd + 1, sidEnd),
    next,
  };
}

/** Not below zero, so that a message never ends before it starts; NaN where something is no digit. */
function wholeNumber(chunk: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at += 1) {
    const byte = chunk[at] ?? 0;
    if (byte < ZERO || byte > NINE) return Number.NaN;
  }
  return start < end ? readDigits(chunk, start, end) : Number.NaN;
}

function endOfWord(chunk: Uint8Array, start: number): number {
  let at = start;
  while (at < chunk.length && chunk[at] !== SPACE) at += 1;
  return at;
}

function startOfWord(chunk: Uint8Array, end: number): number {
  let at = end;
  while (at > 0 && chunk[at - 1] !== SPACE) at -= 1;
  return at;
}
