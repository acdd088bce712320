import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import type { HubEvents } from "./events.ts";
import { isHubEvent, isRefusal, receive } from "./hub-messages.ts";
import { MAX_NAME_BYTES } from "./limits.ts";
import * as hello from "./messages/hello.ts";
import * as store from "./messages/store.ts";
import * as stores from "./messages/stores.ts";
import * as topic from "./messages/topic.ts";

const SCHEMAS: Record<keyof HubEvents, v.GenericSchema<unknown, unknown[]>> = {
  welcome: hello.welcome,
  bye: hello.bye,
  identity: hello.identity,
  reset: store.reset,
  snapshot: store.snapshot,
  synced: store.synced,
  live: store.live,
  verified: store.verified,
  stale: store.stale,
  closed: store.closed,
  ack: store.ack,
  nack: store.nack,
  entry: store.entry,
  stores: stores.stores,
  destroyed: stores.destroyed,
  subscribed: topic.subscribed,
  msg: topic.message,
  lagged: topic.lagged,
  unsubscribed: topic.unsubscribed,
};
const EVENTS = Object.keys(SCHEMAS).filter(isHubEvent);

const text = fc.string({ maxLength: 5 });
const natural = fc.oneof(fc.nat(), fc.constantFrom(0, 2 ** 40, Number.MAX_SAFE_INTEGER));
const bytes = fc.uint8Array({ maxLength: 4 });
const bit = fc.constantFrom(0, 1);
const problem = fc.option(fc.tuple(text, text));
const number = fc.double({ noNaN: true });

/** Messages as a hub sends them. */
const VALID: Record<keyof HubEvents, fc.Arbitrary<unknown[]>> = {
  welcome: fc.tuple(
    fc.record(
      { v: natural, origin: text, time: number, hub: text, leftMs: number, newer: text },
      { requiredKeys: ["v", "origin", "time", "hub"] },
    ),
  ),
  bye: fc.tuple(text, text, natural),
  identity: fc.tuple(fc.option(number), problem),
  reset: fc.tuple(natural, natural, bit, text, fc.constantFrom("memory", "os", "disk", "unknown")),
  snapshot: fc.tuple(natural, bytes),
  synced: fc.tuple(natural, fc.tuple(text, natural, number)),
  live: fc.tuple(natural, bytes, natural),
  verified: fc.tuple(natural, natural),
  stale: fc.tuple(natural, text, text),
  closed: fc.tuple(natural, text, text),
  ack: fc.tuple(fc.array(natural), fc.array(natural)),
  nack: fc.tuple(natural, text, text, fc.option(bytes)),
  entry: fc.tuple(natural, fc.option(bytes), problem),
  stores: fc.tuple(natural, fc.array(fc.tuple(text, bit, natural)), bit, problem),
  destroyed: fc.tuple(natural, problem),
  subscribed: fc.tuple(natural, natural),
  msg: fc.tuple(natural, text, bytes),
  lagged: fc.tuple(natural, natural),
  unsubscribed: fc.tuple(natural, text, text),
};

/** What may stand where something else should. */
const anything = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    -1,
    0.5,
    2,
    2 ** 53,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    true,
    "x".repeat(129),
    "x".repeat(MAX_NAME_BYTES + 1),
    [],
    {},
    new ArrayBuffer(1),
  ),
  fc.anything(),
);

/** A copy with one part, at any depth, replaced, removed or added. */
function damage(message: unknown, path: readonly number[], by: unknown): unknown {
  const [at = 0, ...deeper] = path;
  if (Array.isArray(message)) {
    const copy: unknown[] = [...message];
    const index = at % (copy.length + 1);
    if (at % 5 === 4) copy.splice(index, 1);
    else copy[index] = deeper.length === 0 ? by : damage(copy[index], deeper, by);
    return copy;
  }
  if (typeof message === "object" && message !== null && !ArrayBuffer.isView(message)) {
    const names = Object.keys(message);
    return { ...message, [names[at % names.length] ?? "none"]: by };
  }
  return by;
}

function taken(event: keyof HubEvents, message: unknown): unknown[] | undefined {
  let seen: unknown[] | undefined;
  const handlers = Object.fromEntries(
    EVENTS.map((name) => [
      name,
      (...parts: unknown[]) => {
        seen = parts;
      },
    ]),
  ) as unknown as HubEvents;
  const understood = receive(handlers, event, message as unknown[]);
  expect(seen !== undefined).toBe(understood);
  return seen;
}

describe("what a client takes from a hub", () => {
  it("is every message that its schema describes, as it came", () => {
    for (const event of EVENTS) {
      fc.assert(
        fc.property(VALID[event], (message) => {
          expect(v.is(SCHEMAS[event], message)).toBe(true);
          expect(taken(event, message)).toEqual(message);
        }),
        { numRuns: 50 },
      );
    }
  });

  it("is no message that its schema refuses, however little is wrong with it", () => {
    for (const event of EVENTS) {
      const path = fc.array(fc.nat(9), { minLength: 1, maxLength: 3 });
      fc.assert(
        fc.property(VALID[event], path, anything, (message, where, by) => {
          const damaged = damage(message, where, by);
          expect(taken(event, damaged) !== undefined).toBe(v.is(SCHEMAS[event], damaged));
        }),
        { numRuns: 300 },
      );
      fc.assert(
        fc.property(anything, (message) => {
          expect(taken(event, message) !== undefined).toBe(v.is(SCHEMAS[event], message));
        }),
        { numRuns: 50 },
      );
    }
  });

  it("is a refusal of the handshake exactly when the schema says so", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anything,
          fc.record({ kind: anything, message: anything }),
          fc.record({ kind: text, message: text }),
        ),
        (value) => {
          expect(isRefusal(value)).toBe(v.is(hello.refusal, value));
        },
      ),
    );
  });

  it("is nothing of a name that only a newer hub knows, or that every object has", () => {
    expect(isHubEvent("news")).toBe(false);
    expect(isHubEvent("constructor")).toBe(false);
  });
});
