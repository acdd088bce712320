import { describe, expect, it } from "vitest";
import { check, type Findings, type Run } from "./check.ts";
import type { StoredFact } from "./evidence.ts";
import { type Dump, emptyDump, type HistoryEvent, parseHistory } from "./history.ts";

const EMPTY = emptyDump();

/** One client "c" that did and saw this, while servers stored that. */
function judge(
  events: readonly HistoryEvent[],
  facts: readonly StoredFact[],
  options: {
    dump?: Partial<Dump>;
    killedAt?: number;
    bucket?: readonly StoredFact[];
    uncopied?: readonly StoredFact[];
  } = {},
): Findings {
  const newest = new Map(facts.map((fact) => [`${fact.store} ${fact.key}`, fact]));
  const bucket = options.bucket ?? [...newest.values()];
  const shown = { ...structuredClone(EMPTY), ...options.dump };
  if (options.dump === undefined) {
    for (const { store, key, value, seq } of bucket) {
      if (value !== null) shown[store][key] = { value, seq };
    }
  }
  const run: Run = {
    histories: [{ client: "c", events, killedAt: options.killedAt }],
    evidence: {
      facts: new Map(facts.map((fact) => [fact.seq, fact])),
      bucket,
      lastSeq: facts.length,
      unseen: 0,
      copied: 0,
      uncopied: options.uncopied ?? [],
    },
    dumps: new Map([["c", shown]]),
    losesMemory: false,
  };
  return check(run);
}

const fact = (seq: number, key: string, value: unknown, id = `o.${seq}`): StoredFact => ({
  store: "own",
  key,
  seq,
  time: seq,
  value,
  id,
});
const intent = (n: number, key: string, value: unknown): HistoryEvent => ({
  type: "intent",
  n,
  store: "own",
  key,
  value,
});
const confirmed = (n: number, seq: number): HistoryEvent => ({
  type: "end",
  n,
  status: "confirmed",
  seq,
});

describe("the checker finds", () => {
  it("nothing where everything is as it should be", () => {
    const { problems, figures } = judge(
      [intent(1, "k", "c#1"), confirmed(1, 1), intent(2, "k", null), confirmed(2, 2)],
      [fact(1, "k", "c#1"), fact(2, "k", null)],
    );
    expect(problems).toEqual([]);
    expect(figures).toMatchObject({ writes: 2, confirmed: 2, "acknowledged and lost": 0 });
  });

  it("an acknowledged write that is not stored", () => {
    const { problems } = judge([intent(1, "k", "c#1"), confirmed(1, 1)], []);
    expect(problems).toEqual(["c #1 (own k) was acknowledged at 1 and is lost"]);
  });

  it("a second stream that is not complete, and so proves nothing", () => {
    const { problems } = judge([], [fact(1, "k", "c#1")], {
      uncopied: [fact(1, "k", "c#1")],
    });
    expect(problems).toEqual(["the stream that sources the bucket lacks 1 messages: own k at 1"]);
  });

  it("an acknowledged write whose sequence holds something else", () => {
    const { figures } = judge([intent(1, "k", "c#1"), confirmed(1, 1)], [fact(1, "k", "d#1")]);
    expect(figures["acknowledged and lost"]).toBe(1);
  });

  it("a key that has gone back behind an acknowledged write", () => {
    const { figures } = judge(
      [intent(1, "k", "c#1"), confirmed(1, 2)],
      [fact(1, "k", "d#1"), fact(2, "k", "c#1")],
      { bucket: [fact(1, "k", "d#1")] },
    );
    expect(figures["acknowledged and lost"]).toBe(1);
  });

  it("one write that is stored twice", () => {
    const { figures } = judge(
      [intent(1, "k", "c#1"), confirmed(1, 1)],
      [fact(1, "k", "c#1"), fact(2, "k", "c#1")],
    );
    expect(figures["stored twice"]).toBe(1);
    const sameId = judge([], [fact(1, "k", "1", "o.1"), fact(2, "k", "2", "o.1")]);
    expect(sameId.figures["stored twice"]).toBe(1);
  });

  it("a write that was refused, or replaced before it was sent, and is stored", () => {
    const { problems } = judge(
      [intent(1, "k", "c#1"), { type: "end", n: 1, status: "superseded" }],
      [fact(1, "k", "c#1")],
    );
    expect(problems).toEqual(["c #1 (own k) ended as superseded and is stored"]);
  });

  it("a write that never ended, unless its client was killed", () => {
    expect(judge([intent(1, "k", "c#1")], []).problems).toEqual(["1 writes have not ended"]);
    expect(judge([intent(1, "k", "c#1")], [], { killedAt: 1 }).problems).toEqual([]);
  });

  it("a change that was told twice or too late", () => {
    const change = (seq: number): HistoryEvent => ({
      type: "change",
      store: "own",
      key: "k",
      seq,
      value: "x",
      own: false,
    });
    const facts = [fact(1, "k", "w"), fact(2, "k", "x")];
    expect(judge([change(1), change(2)], facts).figures["out of order"]).toBe(0);
    expect(judge([change(2), change(2)], facts).figures["out of order"]).toBe(1);
    expect(judge([change(2), change(1)], facts).figures["out of order"]).toBe(1);
  });

  it("a client that shows too much, too little or an old version", () => {
    const facts = [fact(1, "k", "x")];
    const differ = (dump: Partial<Dump>): unknown =>
      judge([], facts, { dump }).figures["keys that differ in the end"];
    expect(differ({})).toBe(1);
    expect(differ({ own: { k: { value: "x", seq: 1 } } })).toBe(0);
    expect(differ({ own: { k: { value: "w", seq: 1 } } })).toBe(1);
    expect(differ({ own: { k: { value: "x", seq: 1 }, ghost: { value: "x", seq: 1 } } })).toBe(1);
  });

  it("a counter that has lost an update or counts one twice", () => {
    const update = (n: number, kind?: string): HistoryEvent[] => [
      { type: "update", n, store: "counter", key: "c0" },
      { type: "updated", n, kind },
    ];
    const counter = (value: number): StoredFact => ({ ...fact(1, "c0", value), store: "counter" });
    const events = [...update(1), ...update(2), ...update(3, "outcome-unknown")];
    expect(judge(events, [counter(1)]).problems).toEqual(["c0 is 1 and must be from 2 to 3"]);
    expect(judge(events, [counter(2)]).problems).toEqual([]);
    expect(judge(events, [counter(3)]).problems).toEqual([]);
    expect(judge(events, [counter(4)]).problems).toEqual(["c0 is 4 and must be from 2 to 3"]);
  });

  it("a key that is to last as long as its client, and does not, or lasts longer", () => {
    const alive = (value: string | null, time: number): StoredFact => ({
      ...fact(time, "c", value),
      store: "alive",
    });
    const set: HistoryEvent[] = [
      { type: "intent", n: 1, store: "alive", key: "c", value: "c#1" },
      { type: "end", n: 1, status: "confirmed", seq: 1 },
    ];
    const about = (facts: readonly StoredFact[], killedAt?: number): readonly string[] =>
      judge(set, facts, { ...(killedAt && { killedAt }) }).problems;
    const there = { ...alive("c#1", 1) };
    expect(about([there])).toEqual([]);
    expect(about([there, alive(null, 9_000)])).toEqual(["c is there, its key is not"]);
    expect(about([there, alive(null, 9_000)], 5_000)).toEqual([]);
    expect(about([there], 5_000)).toEqual(["c was killed, and its key is there"]);
    expect(about([there, alive(null, 60_000)], 5_000)).toEqual([
      "the key of c was there for 55000 ms after it was killed",
    ]);
  });

  it("a merged set that lacks, keeps or invents a member", () => {
    const wish = (
      n: number,
      members: readonly string[],
      status: "confirmed" | "superseded",
    ): HistoryEvent[] => [
      { type: "intent", n, store: "set", key: "members", value: members },
      { type: "end", n, status, seq: n },
    ];
    const stored = (members: readonly string[]): StoredFact => ({
      ...fact(9, "members", members),
      store: "set",
    });
    const added = [...wish(1, ["c#1"], "superseded"), ...wish(2, ["c#1", "c#2"], "confirmed")];
    const about = (events: readonly HistoryEvent[], members: readonly string[]): string[] =>
      judge(events, [stored(members)]).problems.filter((problem) => problem.includes("member "));
    expect(about(added, ["c#1", "c#2"])).toEqual([]);
    expect(about(added, ["c#2"])).toEqual(["the member c#1 was added and is missing"]);
    const removed = [...added, ...wish(3, ["c#2"], "confirmed")];
    expect(about(removed, ["c#2"])).toEqual([]);
    expect(about(removed, ["c#1", "c#2"])).toEqual(["the member c#1 was taken out and is there"]);
    expect(about(removed, ["c#2", "d#7"])).toEqual(["nobody added the member d#7"]);
  });
});

it("a log that a kill cut off in the middle of a line is read up to there", () => {
  expect(parseHistory('{"type":"flaw","what":"x"}\n{"type":"fl')).toEqual([
    { type: "flaw", what: "x" },
  ]);
});
