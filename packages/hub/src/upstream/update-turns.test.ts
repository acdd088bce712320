import {
  ConatError,
  createEntry,
  type Entry,
  type Mutation,
  type StoreRef,
  type WriteResult,
} from "@conat/conat/internal";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { UpdateTurns } from "./update-turns.ts";

const REF: StoreRef = {
  scope: { kind: "project", id: "p" },
  name: "s",
  ephemeral: false,
  service: "",
};

/** A key on a server that the test makes answer, and clients that attempt to write it. */
class Bench {
  readonly sent: Mutation[] = [];
  readonly results: [origin: string, result: WriteResult][] = [];
  readonly turns: UpdateTurns;
  current: Entry | undefined;
  #answers: ((result: WriteResult) => void)[] = [];
  #writes = 0;

  constructor() {
    this.turns = new UpdateTurns({
      currentOf: () => this.current,
      write: (_ref, mutation, onResult) => {
        this.sent.push(mutation);
        this.#answers.push(onResult);
      },
    });
  }

  attempt(origin: string, expectedSeq: number): void {
    this.#writes += 1;
    const rest = { value: new Uint8Array(), ttlMs: 0, headers: undefined, isUpdate: true };
    const mutation: Mutation = { key: "k", origin, write: this.#writes, expectedSeq, ...rest };
    const onResult = (result: WriteResult) => void this.results.push([origin, result]);
    this.turns.write({ ref: REF, mutation, onResult });
  }

  /** The server stores the attempt that it got last, and the hub hears of it. */
  async store(seq: number): Promise<void> {
    const mutation = this.sent.at(-1);
    if (mutation === undefined) throw new Error("nothing was sent");
    const { key, origin, write } = mutation;
    this.current = createEntry({ key, seq, time: seq, origin, write });
    await this.#answer({ write, ok: true, seq, duplicate: false });
  }

  async refuse(): Promise<void> {
    const error = new ConatError("conflict", "somebody else");
    await this.#answer({ write: this.sent.at(-1)?.write ?? 0, ok: false, error });
  }

  async #answer(result: WriteResult): Promise<void> {
    this.#answers.shift()?.(result);
    await new Promise((resolve) => setImmediate(resolve));
  }

  get sentBy(): string[] {
    return this.sent.map(({ origin }) => origin);
  }

  get outcomes(): string[] {
    return this.results.map(
      ([origin, result]) => `${origin}: ${result.ok ? result.seq : result.error.kind}`,
    );
  }
}

describe("clients of one hub that update one key", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("take turns: each is told what is stored when its attempt can succeed, and nobody else is in its way", async () => {
    const bench = new Bench();
    bench.attempt("a", 0);
    bench.attempt("b", 0);
    bench.attempt("c", 0);
    expect(bench.sentBy).toEqual(["a"]);
    await bench.store(10);
    expect(bench.outcomes).toEqual(["a: 10", "b: conflict"]);
    expect(bench.results[1]?.[1]).toMatchObject({ error: { current: { seq: 10 } } });
    bench.attempt("a", 10);
    expect(bench.sentBy).toEqual(["a"]);
    bench.attempt("b", 10);
    expect(bench.sentBy).toEqual(["a", "b"]);
    await bench.store(11);
    expect(bench.outcomes).toEqual(["a: 10", "b: conflict", "b: 11", "c: conflict"]);
    bench.attempt("c", 11);
    await bench.store(12);
    bench.attempt("a", 12);
    expect(bench.outcomes.slice(4)).toEqual(["c: 12", "a: conflict"]);
  });

  it("are not held up by one that does not use its turn", async () => {
    const bench = new Bench();
    bench.attempt("a", 0);
    bench.attempt("b", 0);
    bench.attempt("c", 0);
    await bench.store(10);
    vi.advanceTimersByTime(60);
    expect(bench.outcomes).toEqual(["a: 10", "b: conflict", "c: conflict"]);
    expect(bench.turns.size).toBe(0);
  });

  it("do not wait one after the other for clients that are far away", async () => {
    const bench = new Bench();
    for (const origin of ["a", "b", "c", "d", "e"]) bench.attempt(origin, 0);
    await bench.store(10);
    vi.advanceTimersByTime(60);
    expect(bench.outcomes).toEqual(["a: 10", ...["b", "c", "d", "e"].map((x) => `${x}: conflict`)]);
    bench.attempt("d", 10);
    expect(bench.sentBy).toEqual(["a", "d"]);
  });

  it("keep their turn when somebody elsewhere was faster", async () => {
    const bench = new Bench();
    bench.attempt("a", 0);
    bench.attempt("b", 0);
    await bench.refuse();
    expect(bench.outcomes).toEqual(["a: conflict"]);
    bench.attempt("a", 5);
    expect(bench.sentBy).toEqual(["a", "a"]);
  });

  it("go to the server where this hub cannot tell that they would fail", async () => {
    const bench = new Bench();
    bench.attempt("a", 0);
    bench.attempt("b", 20);
    bench.attempt("c", 0);
    await bench.store(10);
    expect(bench.sentBy).toEqual(["a", "b"]);
    bench.current = undefined;
    await bench.refuse();
    vi.advanceTimersByTime(60);
    expect(bench.sentBy).toEqual(["a", "b", "c"]);
  });

  it("wait with one attempt each; a second one goes to the server", async () => {
    const bench = new Bench();
    bench.attempt("a", 0);
    bench.attempt("b", 0);
    bench.attempt("b", 0);
    expect(bench.sentBy).toEqual(["a", "b"]);
  });

  it("contest their store as long as one of them waits, and no other store", async () => {
    const bench = new Bench();
    const { turns } = bench;
    bench.attempt("a", 0);
    expect(turns.isContested(REF)).toBe(false);
    bench.attempt("b", 0);
    bench.attempt("c", 0);
    expect(turns.isContested(REF)).toBe(true);
    expect(turns.isContested({ ...REF, name: "other" })).toBe(false);
    await bench.store(10);
    bench.attempt("b", 10);
    expect(turns.isContested(REF)).toBe(true);
    await bench.store(11);
    expect(turns.isContested(REF)).toBe(false);
    bench.attempt("a", 11);
    turns.close(new ConatError("closed", "over"));
    expect(turns.isContested(REF)).toBe(false);
  });

  it("are answered when the hub closes", () => {
    const bench = new Bench();
    bench.attempt("a", 0);
    bench.attempt("b", 0);
    bench.turns.close(new ConatError("closed", "over"));
    expect(bench.outcomes).toEqual(["b: closed"]);
    expect(bench.turns.size).toBe(0);
  });

  it("are answered once, also when the last answer of the server comes later", async () => {
    const bench = new Bench();
    bench.attempt("a", 0);
    bench.attempt("b", 0);
    bench.turns.close(new ConatError("closed", "over"));
    await bench.refuse();
    vi.advanceTimersByTime(60);
    expect(bench.outcomes).toEqual(["b: closed", "a: conflict"]);
    expect(bench.sentBy).toEqual(["a"]);
  });
});
