import type { Entry } from "../protocol/entry.ts";
import type { Mutation } from "../session/session.ts";

/** Writes that were sent without asking for an answer, until it is heard that they are stored. */
export class QuietWrites<Write extends { readonly mutation: Mutation }> {
  /** By their number. No two at a time have the same, whoever they are from. */
  readonly #writes = new Map<number, Write>();

  /** Whether there is a write of this number already. */
  hasNumberOf({ mutation }: Write): boolean {
    return this.#writes.has(mutation.write);
  }

  add(write: Write): void {
    this.#writes.set(write.mutation.write, write);
  }

  /** The write that has made an entry. It is none of these any more. */
  takeHeard({ write: number, origin, key }: Entry): Write | undefined {
    const write = this.#writes.get(number);
    if (write?.mutation.origin !== origin || write.mutation.key !== key) return undefined;
    this.#writes.delete(number);
    return write;
  }

  /** Those of some writes of which nothing was heard. They are none of these any more. */
  takeUnheard(writes: readonly Write[]): Write[] {
    const unheard = writes.filter((write) => this.#writes.get(write.mutation.write) === write);
    for (const { mutation } of unheard) this.#writes.delete(mutation.write);
    return unheard;
  }
}
