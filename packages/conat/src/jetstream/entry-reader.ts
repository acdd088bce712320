import { isHashToken } from "../protocol/subjects.ts";
import type { Delivery } from "./delivery.ts";
import { type DraftEntry, toEntry } from "./entry-codec.ts";
import type { FeedCounters } from "./feed-host.ts";
import { type MessageHeaders, readHeaders } from "./message-headers.ts";
import { keyTokenOf, lastToken, type RawMessage } from "./raw-message.ts";

/** Reads the messages of one store as entries, and remembers the keys that subjects only tell a hash of. */
export class EntryReader {
  /** Names, as headers carry them, by token. The server's marker of an expiry has no header that tells the name. */
  #longNames: Map<string, string> | undefined;
  readonly #counters: FeedCounters;
  /** A key whose name is not known was removed. Only who has the key must mind. */
  hasLostName = false;

  constructor(counters: FeedCounters) {
    this.#counters = counters;
  }

  /** A message as it is republished when it is stored, or as a direct get answers it. */
  told(message: RawMessage, headers = readHeaders(message)): DraftEntry | undefined {
    const token = lastToken(message.bytes, headers.subjectStart, headers.subjectEnd);
    return this.#read(token, headers.seq, headers.time, headers, message);
  }

  /** A message as a consumer delivers it. */
  delivered(message: RawMessage, { seq, time }: Delivery): DraftEntry | undefined {
    return this.#read(keyTokenOf(message), seq, time, readHeaders(message), message);
  }

  #read(
    token: string,
    seq: number,
    time: number,
    headers: MessageHeaders,
    message: RawMessage,
  ): DraftEntry | undefined {
    if (!isHashToken(token)) return this.#counted(toEntry(token, seq, time, headers, message));
    const trueName = headers.key === "" ? (this.#longNames?.get(token) ?? "") : headers.key;
    if (trueName === "" && headers.markerReason !== "") this.hasLostName = true;
    const entry = toEntry(token, seq, time, headers, message, trueName);
    if (entry !== undefined) this.#remember(token, trueName);
    return this.#counted(entry);
  }

  #counted(entry: DraftEntry | undefined): DraftEntry | undefined {
    if (entry === undefined) this.#counters.foreignMessages += 1;
    return entry;
  }

  #remember(token: string, trueName: string): void {
    this.#longNames ??= new Map();
    this.#longNames.set(token, trueName);
  }
}
