import { decodeBlock } from "../protocol/block.ts";
import { ConatError } from "../protocol/conat-error.ts";
import type { HubEvents } from "../protocol/events.ts";
import { MAX_FRAME_BYTES } from "../protocol/limits.ts";
import { toWireStoreRef, type WireStoreRef } from "../protocol/messages/common.ts";
import { MAX_MUTATIONS, type WireMutation } from "../protocol/messages/store.ts";
import type { StoreRef } from "../protocol/scope.ts";
import { toHubError } from "../transport/hub-error.ts";
import { tell } from "../util/tell.ts";
import type { HubPart, HubUplink } from "./hub-part.ts";
import { PendingCalls } from "./pending-calls.ts";
import type { Mutation, WriteResult } from "./session.ts";

type OnResult = (result: WriteResult) => void;

/** Room for the numbers and the framing of one mutation, in bytes. */
const MUTATION_OVERHEAD_BYTES = 64;
const UTF8_BYTES_PER_UNIT = 3;

interface Target {
  readonly ref: StoreRef;
  readonly wireRef: WireStoreRef;
  /** What a frame has for its mutations. */
  readonly roomBytes: number;
}

/** The writes of a hub session that wait for their answer. */
export class HubWrites implements HubPart {
  readonly #uplink: HubUplink;
  readonly #waiting: PendingCalls<OnResult>;
  #last: Target | undefined;

  constructor(uplink: HubUplink, ackTimeoutMs: number) {
    this.#uplink = uplink;
    this.#waiting = new PendingCalls(uplink.environment, ackTimeoutMs, (write, onResult) =>
      fail(
        write,
        onResult,
        new ConatError(
          "ambiguous",
          `the hub did not answer within ${ackTimeoutMs} ms; perhaps stored`,
        ),
      ),
    );
  }

  /** Writes without an answer. */
  get pending(): number {
    return this.#waiting.size;
  }

  write(ref: StoreRef, mutations: readonly Mutation[], onResult: OnResult): void {
    const { connected, ended } = this.#uplink.connection;
    if (!connected || this.#uplink.settling()) {
      const error = ended ?? new ConatError("unavailable", "not connected to a hub; not stored");
      queueMicrotask(() => {
        for (const { write } of mutations) fail(write, onResult, error);
      });
      return;
    }
    const { wireRef, roomBytes } = this.#target(ref);
    let frame: WireMutation[] = [];
    let frameBytes = 0;
    const sendFrame = (): void => {
      if (frame.length > 0) this.#uplink.send("write", wireRef, frame);
      frame = [];
      frameBytes = 0;
    };
    for (const mutation of mutations) {
      const bytes = mutationBytes(mutation);
      if (bytes > roomBytes) {
        const error = new ConatError("value-too-large", `${bytes} bytes do not fit in one message`);
        queueMicrotask(() => fail(mutation.write, onResult, error));
        continue;
      }
      if (frame.length === MAX_MUTATIONS || frameBytes + bytes > roomBytes) sendFrame();
      frame.push(toWireMutation(mutation));
      frameBytes += bytes;
      const earlier = this.#waiting.add(mutation.write, onResult);
      if (earlier !== undefined) {
        const error = new ConatError("ambiguous", "sent again before the first answer");
        queueMicrotask(() => fail(mutation.write, earlier, error));
      }
    }
    sendFrame();
  }

  /** Mostly the store of the last write, by the same object. */
  #target(ref: StoreRef): Target {
    if (this.#last?.ref !== ref) {
      const wireRef = toWireStoreRef(ref);
      const roomBytes = MAX_FRAME_BYTES - sizeOf(JSON.stringify(wireRef));
      this.#last = { ref, wireRef, roomBytes };
    }
    return this.#last;
  }

  onConnected(): void {}

  onDisconnected({ message }: ConatError): void {
    const error = new ConatError("ambiguous", `perhaps stored: ${message}`);
    this.#waiting.drain((write, onResult) => fail(write, onResult, error));
  }

  onEnded(error: ConatError): void {
    this.#waiting.drain((write, onResult) => fail(write, onResult, error));
  }

  readonly receivers = {
    ack: (stored, duplicates) => {
      for (let at = 0; at + 1 < stored.length; at += 2) {
        const write = stored[at] ?? 0;
        const onResult = this.#waiting.take(write);
        if (onResult === undefined) continue;
        const duplicate = duplicates.includes(write);
        tell(onResult, { write, ok: true, seq: stored[at + 1] ?? 0, duplicate });
      }
    },
    nack: (write, kind, message, block) => {
      const onResult = this.#waiting.take(write);
      if (onResult === undefined) return;
      const { kind: known } = toHubError(kind, message);
      const current = block === null ? undefined : decodeBlock(block)[0];
      fail(write, onResult, new ConatError(known, message, { current }));
    },
  } satisfies Partial<HubEvents>;
}

function fail(write: number, onResult: OnResult, error: ConatError): void {
  tell(onResult, { write, ok: false, error });
}

const ONE = 1 as const;

function toWireMutation(mutation: Mutation): WireMutation {
  const { write, key, value, expectedSeq, ttlMs, headers, untilDisconnect, isUpdate } = mutation;
  const plain =
    expectedSeq === undefined && ttlMs === 0 && headers === undefined && !untilDisconnect;
  const options = plain
    ? null
    : {
        // What is undefined does not travel.
        s: expectedSeq,
        t: ttlMs || undefined,
        h: headers && { ...headers },
        d: untilDisconnect ? ONE : undefined,
        u: isUpdate ? ONE : undefined,
      };
  return [write, key, value ?? null, options];
}

/** Not less than what the mutation takes in a frame. */
function mutationBytes({ key, value, headers }: Mutation): number {
  const headersBytes = headers === undefined ? 0 : sizeOf(JSON.stringify(headers));
  return MUTATION_OVERHEAD_BYTES + sizeOf(key) + (value?.length ?? 0) + headersBytes;
}

/** Not less than the text's length in UTF-8. */
function sizeOf(text: string): number {
  return text.length * UTF8_BYTES_PER_UNIT;
}
