import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { ConatError } from "../protocol/conat-error.ts";
import { decodeValue, encodeValue } from "../protocol/value-codec.ts";
import type { MergeBytes } from "./dkv-effects.ts";
import { ModelClient, ModelServer } from "./dkv-state-model.ts";
import { carriedBy, isCarried } from "./local-write.ts";
import { VisibleValues } from "./visible-values.ts";

/** More by hand: CONAT_PROPERTY_RUNS=20000. Each run makes up to 120 steps. */
const RUNS = Number(process.env.CONAT_PROPERTY_RUNS ?? 1_500);

/** Of the random schedules; the names of the suites tell it. CONAT_PROPERTY_SEED repeats a run. */
const SEED = Number(process.env.CONAT_PROPERTY_SEED ?? Date.now() % 1_000_000_000);
const STEPS = 120;

/** Of all schedules together. */
let stepsMade = 0;
afterAll(() => console.log(`random schedules: seed ${SEED}, ${stepsMade} steps`));

const KEYS = ["a", "b", "__proto__"];

const ACTIONS = [
  "set",
  "set",
  "delete",
  "send",
  "send",
  "send",
  "serve",
  "serve",
  "serve",
  "deliver",
  "deliver",
  "deliver",
  "deliver",
  "cut",
  "connect",
  "connect",
  "forgetIds",
  "arriveLate",
  "unavailable",
] as const;
/** What does not keep the sum of increments exact. */
const MORE_ACTIONS = ["compareAndSet", "update", "discard", "refuse", "expire", "destroy"] as const;
type Action = (typeof ACTIONS)[number] | (typeof MORE_ACTIONS)[number] | "goBack" | "glimpse";

/** A decision of the schedule: which client does what, with which numbers. */
interface Step {
  readonly client: number;
  readonly action: Action;
  readonly key: string;
  readonly number: number;
  readonly flag: boolean;
}

function stepOf(actions: readonly Action[]): fc.Arbitrary<Step> {
  return fc.record({
    client: fc.nat(2),
    action: fc.constantFrom(...actions),
    key: fc.constantFrom(...KEYS),
    number: fc.nat(3),
    flag: fc.boolean(),
  });
}

const step = stepOf(ACTIONS);
const anyStep = stepOf([...ACTIONS, ...MORE_ACTIONS]);
const stepOrGoBack = stepOf([...ACTIONS, "goBack", "glimpse"]);
const stepOfAll = stepOf([...ACTIONS, ...MORE_ACTIONS, "goBack", "glimpse"]);

function act(
  clients: ModelClient[],
  server: ModelServer,
  { client: index, action, key, number, flag }: Step,
  value: unknown,
): void {
  const client = clients[index];
  if (client === undefined) return;
  stepsMade += 1;
  switch (action) {
    case "set":
      client.set(key, value);
      return;
    case "delete":
      client.set(key, undefined);
      return;
    case "compareAndSet":
      client.set(key, value, flag ? client.state.knownSeq(key) : number);
      return;
    case "update":
      if (client.state.isPending(key)) return;
      client.set(key, value, client.state.knownSeq(key), true);
      return;
    case "discard":
      client.discard(number);
      return;
    case "refuse":
      client.refuse("forbidden");
      return;
    case "unavailable":
      client.refuse("unavailable");
      return;
    case "expire":
      server.expire(key);
      return;
    case "send":
      client.send(number + 1);
      return;
    case "serve":
      client.serve(flag);
      return;
    case "deliver":
      client.deliver();
      return;
    case "cut":
      client.cut(number);
      return;
    case "connect":
      client.connect(flag ? "full" : "delta");
      return;
    case "arriveLate":
      server.arriveLate();
      return;
    case "goBack":
      // With the server itself its lines are cut; a bucket can also be put back under a server that runs.
      if (flag) for (const one of clients) one.cut(number);
      server.goBack(number === 0 ? 0 : Math.max(0, server.history.length - 2 * number));
      return;
    case "glimpse":
      client.glimpse(number);
      return;
    case "forgetIds":
      server.forgetIds();
      return;
    case "destroy":
      server.destroy();
      return;
  }
}

function settleAll(clients: readonly ModelClient[]): void {
  for (const client of clients) client.connect("delta");
  for (let round = 0; round < 2_000; round += 1) {
    if (clients.every((client) => client.quiet)) return;
    for (const client of clients) {
      client.send(10);
      client.serve(round % 2 === 0);
      client.deliver();
    }
  }
  throw new Error("the clients never became quiet");
}

function world(merge?: MergeBytes) {
  const server = new ModelServer();
  const clients = ["x", "y", "z"].map((origin) => new ModelClient(origin, server, merge));
  for (const client of clients) client.connect("full");
  return { server, clients };
}

/** Values are numbers; every side's difference to the common ancestor counts. */
const addDifferences: MergeBytes = (_key, prev, local, remote) => {
  const number = (bytes: Uint8Array | undefined): number =>
    bytes ? Number(decodeValue(bytes)) : 0;
  return encodeValue(number(local) + number(remote) - number(prev));
};

describe(`three clients over lines that are slow, cut and reordered, seed ${SEED}`, () => {
  it.each([
    ["last write wins", undefined, RUNS],
    ["with a merge", addDifferences, RUNS / 3],
  ])(
    "converge, end every write exactly once, lose no confirmed write, and show changes in rising order (%s)",
    (_name, merge, numRuns) => {
      fc.assert(
        fc.property(fc.array(anyStep, { maxLength: STEPS, size: "max" }), (steps) => {
          const { server, clients } = world(merge);
          let counter = 0;
          for (const one of steps) {
            counter += 1;
            act(clients, server, one, counter);
          }
          settleAll(clients);
          for (const key of KEYS) {
            const stored = server.newest.get(key);
            for (const client of clients) {
              expect(client.state.confirmed(key)?.seq ?? 0).toBe(stored?.seq ?? 0);
              expect(client.get(key)).toEqual(clients[0]?.get(key));
            }
          }
          for (const client of clients) {
            const ended = client.settled.flatMap(({ write }) => carriedBy(write));
            expect(ended.length, "every write ends exactly once").toBe(new Set(ended).size);
            expect(ended.length, "no write is left").toBe(client.writes.length);
            for (const { write, outcome } of client.settled) {
              const copies = server.history.filter(
                (e) => e.origin === client.origin && e.write === write.id,
              );
              const lives = copies.map(({ seq }) => destructionsBefore(server, seq));
              expect(lives.length, "applied at most once").toBe(new Set(lives).size);
              if (outcome.status === "confirmed") {
                expect(copies.map(({ seq }) => seq)).toContain(outcome.seq);
              }
              if (outcome.status === "superseded" || outcome.status === "rejected")
                expect(copies).toEqual([]);
            }
            for (const key of KEYS) {
              const seqs = client.changes
                .filter((c) => c.entry.key === key)
                .map((c) => c.entry.seq);
              expect(seqs).toEqual([...new Set(seqs)].sort((left, right) => left - right));
              const last = client.changes.findLast((c) => c.entry.key === key)?.entry;
              const stored = server.newest.get(key);
              // The removal of a key that a destruction has made unknown is nothing to tell.
              const mayBeUntold = server.floor !== undefined && stored?.kind !== "put";
              if (stored && !mayBeUntold) expect(last?.seq ?? stored.seq).toBe(stored.seq);
              else expect(last?.kind, "what was destroyed is told to be gone").not.toBe("put");
            }
          }
        }),
        { numRuns, seed: SEED },
      );
    },
  );

  it("never show the writer an older value than its own last one, unless that write failed", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: STEPS, size: "max" }), (steps) => {
        const { server, clients } = world();
        let counter = 0;
        for (const one of steps) {
          counter += 1;
          const before = clients.map((client) => KEYS.map((key) => shownSeq(client, key)));
          const endedBefore = clients.map((client) => ended(client));
          act(clients, server, one, counter);
          clients.forEach((client, at) => {
            if (ended(client) !== endedBefore[at]) return;
            KEYS.forEach((key, index) => {
              expect(shownSeq(client, key)).toBeGreaterThanOrEqual(before[at]?.[index] ?? 0);
            });
          });
        }
      }),
      { numRuns: RUNS / 3, seed: SEED },
    );
  });

  it("show a value as the same object for as long as it is the same, also when they are closed", () => {
    fc.assert(
      fc.property(fc.array(stepOfAll, { maxLength: STEPS, size: "max" }), (steps) => {
        const { server, clients } = world();
        const readers = clients.map((client) => new ValueReader(client));
        let counter = 0;
        for (const one of steps) {
          counter += 1;
          act(clients, server, one, { counter });
          for (const reader of readers) reader.check();
        }
        for (const { state } of clients) state.close(new ConatError("closed", "closed"));
        for (const reader of readers) reader.check();
      }),
      { numRuns: RUNS / 10, seed: SEED },
    );
  });
});

/** Reads values as the application does, and holds them against what it has read before. */
class ValueReader {
  readonly #client: ModelClient;
  readonly #values = new VisibleValues(undefined);
  readonly #before = new Map<string, unknown>();

  constructor(client: ModelClient) {
    this.#client = client;
  }

  check(): void {
    const { state } = this.#client;
    for (const key of KEYS) {
      const holder = state.holder(key);
      const value = holder && this.#values.get(holder, state.visible(key, holder));
      const before = this.#before.get(key);
      expect(value).toEqual(this.#client.get(key));
      if (isDeepStrictEqual(value, before)) expect(value).toBe(before);
      this.#before.set(key, value);
    }
  }
}

/** Which life of the store a sequence belongs to: a resend that meets an empty store cannot know of an earlier one. */
function destructionsBefore(server: ModelServer, seq: number): number {
  return server.history.filter((entry) => entry.kind === "floor" && entry.seq < seq).length;
}

/** Orders what a client shows for a key: a local write is newer than any confirmed version and older local write. */
function shownSeq(client: ModelClient, key: string): number {
  const visible = client.state.visible(key);
  if (visible === undefined) return client.floor;
  if ("kind" in visible) return visible.seq;
  const isEnded = client.settled.some(({ write }) => write === visible);
  return isEnded ? client.state.knownSeq(key) : Number.MAX_SAFE_INTEGER;
}

/** How many writes have ended: what a client shows may go back where one failed, and its rank where one is confirmed. */
function ended(client: ModelClient): number {
  return client.settled.filter(({ outcome }) => outcome.status !== "superseded").length;
}

/** How a write ended; one that was superseded lives on in the client's next write of the key. */
function fate(client: ModelClient, id: number, key: string): string | undefined {
  const ended = client.settled.find(({ write }) => isCarried(write, id));
  if (ended?.outcome.status !== "superseded") return ended?.outcome.status;
  const next = client.writes.find((write) => write.key === key && write.id > id);
  return next && fate(client, next.id, key);
}

describe(`three clients of a server that goes back to an older state, seed ${SEED}`, () => {
  it.each([
    ["last write wins", undefined, false],
    ["last write wins, offered again", undefined, true],
    ["with a merge", addDifferences, false],
    ["with a merge, offered again", addDifferences, true],
  ])("converge, and end every write exactly once (%s)", (_name, merge, reoffers) => {
    fc.assert(
      fc.property(fc.array(stepOrGoBack, { maxLength: STEPS, size: "max" }), (steps) => {
        const { server, clients } = world(merge);
        for (const client of clients) client.reoffers = reoffers;
        let counter = 0;
        for (const one of steps) {
          counter += 1;
          act(clients, server, one, counter);
        }
        settleAll(clients);
        for (const key of KEYS) {
          const stored = server.newest.get(key);
          for (const client of clients) {
            expect(client.state.confirmed(key)?.seq ?? 0).toBe(stored?.seq ?? 0);
            expect(client.get(key)).toEqual(clients[0]?.get(key));
            const last = client.changes.findLast((change) => change.entry.key === key);
            const shown = stored?.kind === "put" ? stored.seq : last?.entry.seq;
            expect(last?.entry.seq).toBe(shown);
          }
        }
        for (const client of clients) {
          const ended = client.settled.flatMap(({ write }) => carriedBy(write));
          expect(ended.length, "every write ends exactly once").toBe(new Set(ended).size);
          expect(ended.length, "no write is left").toBe(client.writes.length);
          for (const { write, outcome } of client.settled) {
            const copies = server.history.filter(
              (e) => e.origin === client.origin && e.write === write.id,
            );
            expect(copies.length, "applied at most once").toBeLessThanOrEqual(1);
            if (outcome.status === "superseded") expect(copies).toEqual([]);
          }
        }
      }),
      { numRuns: RUNS / 3, seed: SEED },
    );
  });
});

describe("a server that goes back to an older state", () => {
  function connected(merge?: MergeBytes): { server: ModelServer; client: ModelClient } {
    const server = new ModelServer();
    const client = new ModelClient("x", server, merge);
    client.connect("full");
    return { server, client };
  }

  it("makes clients report what they had stored and it no longer has", () => {
    const { server, client } = connected();
    client.set("a", 1);
    client.set("b", 1);
    settleAll([client]);
    client.set("b", 2);
    settleAll([client]);
    client.cut(0);
    server.goBack(2);
    client.connect("delta");
    expect(client.lost).toMatchObject([{ key: "b", value: encodeValue(2), seq: 3 }]);
    expect(client.get("b")).toBe(1);
    expect(client.changes.at(-1)).toMatchObject({ entry: { key: "b", seq: 2 }, prev: { seq: 3 } });
  });

  it("makes them report also what was acknowledged and never seen", () => {
    const { server, client } = connected();
    client.set("a", 1);
    client.send(1);
    client.serve(true);
    client.deliver();
    client.cut(0);
    server.goBack(0);
    client.connect("delta");
    expect(client.lost).toMatchObject([{ key: "a", value: encodeValue(1), seq: 1 }]);
    expect(client.get("a")).toBeUndefined();
  });

  it("makes them report nothing that others have written, or that is there again", () => {
    const { server, client } = connected();
    const other = new ModelClient("y", server);
    other.connect("full");
    other.set("a", 1);
    client.set("b", 1);
    settleAll([client, other]);
    client.cut(0);
    other.cut(0);
    server.goBack(0);
    server.write({
      key: "b",
      value: encodeValue(1),
      origin: "",
      write: 0,
      expectedSeq: undefined,
      ttlMs: 0,
      headers: undefined,
    });
    client.connect("delta");
    expect(client.lost).toEqual([]);
    expect(client.get("a")).toBeUndefined();
  });

  it("is given back what it has lost, where a client was asked to", () => {
    const { server, client } = connected();
    client.reoffers = true;
    client.set("a", 1);
    client.set("b", 1);
    settleAll([client]);
    client.cut(0);
    server.goBack(0);
    const other = new ModelClient("y", server);
    other.connect("full");
    other.set("b", 2);
    settleAll([other]);
    settleAll([client, other]);
    expect([other.get("a"), other.get("b")]).toEqual([1, 2]);
    expect(client.lost.map(({ key }) => key).sort()).toEqual(["a", "b"]);
  });

  it("is given back what it has lost through the merge, which has no common ancestor then", () => {
    const { server, client } = connected(addDifferences);
    client.reoffers = true;
    client.set("a", 1);
    settleAll([client]);
    client.cut(0);
    server.goBack(0);
    const other = new ModelClient("y", server, addDifferences);
    other.connect("full");
    other.set("a", 10);
    settleAll([client, other]);
    expect([client.get("a"), other.get("a")]).toEqual([11, 11]);
  });

  it("is noticed in full although the first look at it was cut short", () => {
    const { server, client } = connected();
    client.set("a", 1);
    client.set("b", 1);
    settleAll([client]);
    client.cut(0);
    server.goBack(1);
    client.glimpse(1);
    client.connect("full");
    expect(client.get("b")).toBeUndefined();
    expect(client.changes.at(-1)).toMatchObject({ entry: { key: "b", kind: "delete" } });
    expect(client.lost).toMatchObject([{ key: "b" }]);
  });

  it("does not count an acknowledgement from after that as lost", () => {
    const { server, client } = connected();
    client.set("a", 1);
    client.send(1);
    server.goBack(0);
    client.serve(true);
    settleAll([client]);
    expect(client.lost).toEqual([]);
    expect(client.get("a")).toBe(1);
  });
});

describe("a store that is destroyed", () => {
  function connected(): { server: ModelServer; client: ModelClient } {
    const server = new ModelServer();
    const client = new ModelClient("x", server);
    client.connect("full");
    return { server, client };
  }
  const gone = { kind: "floor", key: "a" };

  it("is empty for who was away, who is told of each key that had a value", () => {
    const { server, client } = connected();
    client.set("a", 1);
    settleAll([client]);
    client.cut(0);
    server.destroy();
    client.connect("delta");
    expect(client.get("a")).toBeUndefined();
    expect([...client.state.keys()]).toEqual([]);
    expect(client.changes.at(-1)).toMatchObject({ entry: gone, prev: { seq: 1 }, own: false });
    client.set("a", 2);
    settleAll([client]);
    expect(client.get("a")).toBe(2);
  });

  it("is empty also of what was acknowledged and never seen", () => {
    const { server, client } = connected();
    client.set("a", 1);
    client.send(1);
    client.serve(true);
    client.deliver();
    client.cut(0);
    expect(client.get("a")).toBe(1);
    server.destroy();
    client.connect("delta");
    expect(client.get("a")).toBeUndefined();
    expect(client.changes).toMatchObject([{ entry: gone, prev: undefined }]);
  });

  it("does not come back by an entry from before that arrives late", () => {
    const { server, client } = connected();
    client.set("a", 1);
    settleAll([client]);
    const before = server.newest.get("a");
    server.destroy();
    settleAll([client]);
    if (before) client.state.apply(before);
    expect(client.get("a")).toBeUndefined();
  });

  it("does not take in again what may have been stored before: that ends as unknown", () => {
    const { server, client } = connected();
    client.set("a", 1);
    client.send(1);
    client.cut(1);
    server.forgetIds();
    server.destroy();
    client.connect("delta");
    settleAll([client]);
    expect(client.settled).toMatchObject([{ outcome: { status: "outcome-unknown" } }]);
    expect(server.newest.size).toBe(0);
  });

  it("keeps what is written on top and not yet sent", () => {
    const { server, client } = connected();
    client.set("a", 1);
    settleAll([client]);
    client.set("a", 2);
    server.destroy();
    client.deliver();
    expect(client.get("a")).toBe(2);
    expect(client.changes.at(-1)).toMatchObject({ entry: gone, pending: true });
    settleAll([client]);
    expect(client.settled.at(-1)?.outcome.status).toBe("confirmed");
  });
});

it("a write that is refused when it is sent again may be stored all the same: that ends as unknown", () => {
  const server = new ModelServer();
  const client = new ModelClient("x", server);
  client.connect("full");
  client.set("a", 1);
  client.send(1);
  client.cut(0);
  client.connect("delta");
  client.send(1);
  client.refuse("forbidden");
  client.deliver();
  server.arriveLate();
  settleAll([client]);
  expect(client.settled).toMatchObject([
    { outcome: { status: "outcome-unknown", error: { cause: { kind: "forbidden" } } } },
  ]);
  expect(client.get("a")).toBe(1);
});

describe("a merge that writes to its own key", () => {
  it("has its write stored, and every write ends", () => {
    const server = new ModelServer();
    const other = new ModelClient("y", server);
    let again = true;
    const client: ModelClient = new ModelClient("x", server, (_key, _prev, local) => {
      if (again) {
        again = false;
        client.set("a", "from the merge");
      }
      return local;
    });
    for (const each of [client, other]) each.connect("full");
    client.set("a", "mine");
    other.set("a", "theirs");
    settleAll([other, client]);
    expect(client.settled.map(({ outcome }) => outcome.status)).toEqual([
      "superseded",
      "confirmed",
    ]);
    expect(client.get("a")).toBe("from the merge");
    expect(other.get("a")).toBe("from the merge");
  });

  it("has its write stored also after it has taken back what was to be merged", () => {
    const server = new ModelServer();
    const other = new ModelClient("y", server);
    const client: ModelClient = new ModelClient("x", server, (_key, _prev, local) => {
      client.discard(0);
      client.set("a", "from the merge");
      return local;
    });
    for (const each of [client, other]) each.connect("full");
    other.set("a", "theirs");
    other.send(1);
    other.serve(true);
    client.set("a", "mine");
    client.deliver();
    settleAll([other, client]);
    expect(client.settled.map(({ outcome }) => outcome.status)).toEqual(["discarded", "confirmed"]);
    expect(client.get("a")).toBe("from the merge");
    expect(other.get("a")).toBe("from the merge");
  });
});

describe(`three clients with a merge that adds up what each has added, seed ${SEED}`, () => {
  it("end at the exact total of all increments, except those that were reported as unknown", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: STEPS, size: "max" }), (steps) => {
        const { server, clients } = world(addDifferences);
        const added = new Map<string, number>();
        for (const one of steps) {
          const client = clients[one.client];
          if (one.action === "set" || one.action === "delete") {
            if (client === undefined) continue;
            stepsMade += 1;
            client.set(one.key, Number(client.get(one.key) ?? 0) + 1);
          } else act(clients, server, one, undefined);
        }
        settleAll(clients);
        const unknown = new Map<string, number>();
        for (const client of clients) {
          for (const { id, key } of client.writes) {
            const into = fate(client, id, key) === "outcome-unknown" ? unknown : added;
            into.set(key, (into.get(key) ?? 0) + 1);
          }
        }
        for (const key of KEYS) {
          const total = Number(clients[0]?.get(key) ?? 0);
          for (const client of clients) expect(client.get(key)).toEqual(clients[0]?.get(key));
          const certain = added.get(key) ?? 0;
          expect(total, "nothing certain is lost").toBeGreaterThanOrEqual(certain);
          expect(total, "nothing counts twice").toBeLessThanOrEqual(
            certain + (unknown.get(key) ?? 0),
          );
        }
      }),
      { numRuns: RUNS, seed: SEED },
    );
  });
});
