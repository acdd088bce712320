import {
  ConatError,
  decodeValue,
  type Entry,
  type Mutation,
  type Session,
  type StoreRef,
  toConatError,
  valueBytes,
  type WriteResult,
} from "@conat/conat/internal";
import type { Identity } from "../scope/identity.ts";
import { denied, type RuleBook } from "./rule-book.ts";

/** How often a write is decided anew because what the rule had looked at has changed. */
const MAX_DECISIONS = 20;

export interface RuledWritesOptions {
  readonly inner: Pick<Session, "read" | "write">;
  /** Who writes, with today's rights. @throws ConatError `forbidden` when the role does not allow it any more */
  readonly authorize: (ref: StoreRef) => Identity;
  readonly book: () => RuleBook;
}

/**
 * Writes that rules decide about: together where that is done at once, else one by one; those of one key in their order.
 */
export class RuledWrites {
  readonly #options: RuledWritesOptions;
  /** The last write of each key that is under way. */
  readonly #last = new Map<string, Promise<void>>();

  constructor(options: RuledWritesOptions) {
    this.#options = options;
  }

  /** @throws ConatError `forbidden` when the role does not allow it */
  write(
    ref: StoreRef,
    mutations: readonly Mutation[],
    onResult: (result: WriteResult) => void,
  ): void {
    const { inner, authorize, book } = this.#options;
    const identity = authorize(ref);
    const judge = book().judgeOf(identity, ref);
    const allowed: Mutation[] = [];
    for (const mutation of mutations) {
      const { key, value, write } = mutation;
      // Behind others of its key; there are seldom any, so that the name is worth making only then.
      const isWaiting = this.#last.size > 0 && this.#last.has(slotOf(ref, key));
      const isAllowed = isWaiting ? undefined : judge(key, value);
      if (isAllowed) allowed.push(mutation);
      else if (isAllowed === undefined) this.#decide(ref, mutation, onResult);
      else {
        const error = denied(identity, "write", ref);
        queueMicrotask(() => onResult({ write, ok: false, error }));
      }
    }
    if (allowed.length > 0) inner.write(ref, allowed, onResult);
  }

  #decide(ref: StoreRef, mutation: Mutation, onResult: (result: WriteResult) => void): void {
    const slot = slotOf(ref, mutation.key);
    const before = this.#last.get(slot) ?? Promise.resolve();
    const done = before
      .then(() => this.#write(ref, mutation))
      .catch(
        (thrown: unknown): WriteResult => ({
          write: mutation.write,
          ok: false,
          error: toConatError(thrown),
        }),
      )
      .then((result) => {
        if (this.#last.get(slot) === done) this.#last.delete(slot);
        onResult(result);
      });
    this.#last.set(slot, done);
  }

  async #write(ref: StoreRef, mutation: Mutation): Promise<WriteResult> {
    const { authorize, book } = this.#options;
    const { key, value, expectedSeq } = mutation;
    for (let attempt = 0; attempt < MAX_DECISIONS; attempt += 1) {
      const prev = await this.#read(ref, key);
      const get = (store: string, other: string): Promise<unknown> =>
        this.#value({ ...ref, name: store }, other);
      const decision = await book().decideWrite(authorize(ref), ref, { key, value, prev, get });
      // Rights may have gone while the rule was asked.
      const identity = authorize(ref);
      if (!decision.isAllowed) throw denied(identity, "write", ref);
      if (!decision.dependsOnPrev) return this.#send(ref, mutation);
      const seq = prev?.seq ?? 0;
      if (expectedSeq !== undefined && expectedSeq !== seq) {
        const what = `the key has sequence ${seq}, not ${expectedSeq}`;
        throw new ConatError("conflict", what, { current: prev });
      }
      const result = await this.#send(ref, { ...mutation, expectedSeq: seq });
      const isOvertaken = !result.ok && result.error.kind === "conflict";
      if (!isOvertaken || expectedSeq !== undefined) return result;
    }
    throw new ConatError(
      "unavailable",
      "the key changes too fast to be decided about; not stored, try again",
    );
  }

  #send(ref: StoreRef, mutation: Mutation): Promise<WriteResult> {
    return new Promise((resolve) => this.#options.inner.write(ref, [mutation], resolve));
  }

  async #value(ref: StoreRef, key: string): Promise<unknown> {
    const entry = await this.#read(ref, key);
    return entry?.kind === "put" ? decodeValue(valueBytes(entry)) : undefined;
  }

  async #read(ref: StoreRef, key: string): Promise<Entry | undefined> {
    try {
      return await this.#options.inner.read(ref, key);
    } catch (thrown) {
      const { message } = toConatError(thrown);
      throw new ConatError(
        "unavailable",
        `not stored, because a rule could not be decided: ${message}`,
      );
    }
  }
}

function slotOf({ scope, name, ephemeral }: StoreRef, key: string): string {
  return JSON.stringify([scope, name, ephemeral, key]);
}
