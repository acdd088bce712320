import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConatError, ERROR_KINDS, recoveryFor } from "../protocol/conat-error.ts";
import { RETRY_CAP_MS } from "./backoff.ts";
import {
  CONNECTION_TABLE,
  type Connection,
  type ConnectionEffect,
  type ConnectionEvent,
  MAX_TOKEN_REFUSALS,
  SETTLE_MS,
  STEADY_AFTER_MS,
  startConnection,
  stepConnection,
} from "./connection-state.ts";
import type { SessionState } from "./session.ts";

const OPTIONS = { renewable: true, connectTimeoutMs: 7_000 };
const lostError = new ConatError("unavailable", "cut");
const byeError = new ConatError("unavailable", "restarting");
const earlier = new ConatError("unavailable", "an earlier failure");

const EVENTS = {
  opened: { type: "opened" },
  welcomed: { type: "welcomed" },
  lost: { type: "lost", error: lostError },
  bye: { type: "bye", error: byeError, withinMs: 1_000 },
  due: { type: "due" },
  online: { type: "online" },
  offline: { type: "offline" },
  visible: { type: "visible" },
  close: { type: "close" },
} satisfies { [Type in ConnectionEvent["type"]]: ConnectionEvent };

/** A connection in each state, two failures after the last good connection. */
function inState(state: SessionState): Connection {
  return {
    state,
    error: state === "ready" ? undefined : earlier,
    attempt: state === "ready" ? 0 : 2,
    options: OPTIONS,
    failures: 2,
    refusals: 0,
    offline: false,
    settling: false,
  };
}

const connects = ["disconnect", "wait 7000", "connect"];
const retries = ["disconnect", "wait 250"];
const ends = ["stop-waiting", "disconnect"];

/** State and effects after every event in every state; `undefined` where nothing changes and nothing is done. */
type Outcome = readonly [SessionState, readonly string[]] | undefined;
const EXPECTED: Record<SessionState, Record<ConnectionEvent["type"], Outcome>> = {
  connecting: {
    opened: ["handshaking", []],
    welcomed: undefined,
    lost: ["waiting", retries],
    bye: ["waiting", retries],
    due: ["waiting", retries],
    online: undefined,
    offline: undefined,
    visible: undefined,
    close: ["closed", ends],
  },
  handshaking: {
    opened: undefined,
    welcomed: ["ready", [`wait ${STEADY_AFTER_MS}`]],
    lost: ["waiting", retries],
    bye: ["waiting", retries],
    due: ["waiting", retries],
    online: undefined,
    offline: undefined,
    visible: undefined,
    close: ["closed", ends],
  },
  ready: {
    opened: undefined,
    welcomed: undefined,
    lost: ["waiting", retries],
    bye: ["draining", ["wait 400"]],
    due: ["ready", []],
    online: undefined,
    offline: undefined,
    visible: undefined,
    close: ["closed", ends],
  },
  waiting: {
    opened: undefined,
    welcomed: undefined,
    lost: undefined,
    bye: undefined,
    due: ["connecting", connects],
    online: ["connecting", connects],
    offline: undefined,
    visible: ["connecting", connects],
    close: ["closed", ends],
  },
  draining: {
    opened: undefined,
    welcomed: undefined,
    lost: ["waiting", retries],
    bye: undefined,
    due: ["draining", [`wait ${SETTLE_MS}`, "settle"]],
    online: undefined,
    offline: undefined,
    visible: undefined,
    close: ["closed", ends],
  },
  refused: {
    opened: undefined,
    welcomed: undefined,
    lost: undefined,
    bye: undefined,
    due: undefined,
    online: undefined,
    offline: undefined,
    visible: undefined,
    close: ["closed", ends],
  },
  closed: {
    opened: undefined,
    welcomed: undefined,
    lost: undefined,
    bye: undefined,
    due: undefined,
    online: undefined,
    offline: undefined,
    visible: undefined,
    close: undefined,
  },
};

function show(effects: readonly ConnectionEffect[]): string[] {
  return effects.map((effect) => (effect.type === "wait" ? `wait ${effect.delayMs}` : effect.type));
}

const STATES = Object.keys(CONNECTION_TABLE) as SessionState[];
const TYPES = Object.keys(EVENTS) as ConnectionEvent["type"][];

/** The table of SPEC.md: by state and event the state that follows; "–" where nothing happens. */
function readSpec(): Map<string, Map<string, string>> {
  const path = join(import.meta.dirname, "../../SPEC.md");
  const text = readFileSync(path, "utf8").split("## The connection to a hub")[1] ?? "";
  const cells = text
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.slice(1, -1).split("|"))
    .map((row) => row.map((cell) => cell.trim().replaceAll("`", "")));
  const [[, ...events] = [], , ...rows] = cells;
  return new Map(
    rows.map(([state = "", ...after]) => [
      state,
      new Map(events.map((event, at) => [event, after[at] ?? ""])),
    ]),
  );
}

it("does what the table in SPEC.md says", () => {
  const spec = readSpec();
  expect([...spec.keys()]).toEqual(STATES);
  for (const state of STATES) {
    expect([...(spec.get(state)?.keys() ?? [])].toSorted()).toEqual(TYPES.toSorted());
    for (const type of TYPES) {
      const isNamed = CONNECTION_TABLE[state][type] !== undefined;
      const { connection } = stepConnection(inState(state), EVENTS[type], 0.5);
      expect(spec.get(state)?.get(type), `${state} on ${type}`).toBe(
        isNamed ? connection.state : "–",
      );
    }
  }
});

describe.each(STATES)("a connection that is %s", (state) => {
  it.each(TYPES)("on %s", (type) => {
    const before = inState(state);
    const { connection, effects } = stepConnection(before, EVENTS[type], 0.5);
    const expected = EXPECTED[state][type];
    expect([connection.state, show(effects)]).toEqual(expected ?? [state, []]);
    if (expected === undefined) {
      const noted = type === "offline" ? { ...before, offline: true } : before;
      expect(connection).toEqual(noted);
    }
  });
});

function run(from: Connection, events: readonly ConnectionEvent[], random = 0.5): Connection {
  let connection = from;
  for (const event of events) connection = stepConnection(connection, event, random).connection;
  return connection;
}

const started = startConnection(OPTIONS);
const upAndSteady = run(started.connection, [EVENTS.opened, EVENTS.welcomed, EVENTS.due]);

describe("a connection", () => {
  it("starts with an attempt that has a deadline", () => {
    expect(started.connection).toMatchObject({ state: "connecting", attempt: 1, error: undefined });
    expect(show(started.effects)).toEqual(connects);
  });

  it("is retried at once when it is lost, and says why it is not ready", () => {
    const { connection, effects } = stepConnection(upAndSteady, EVENTS.lost, 0.9);
    expect(connection).toMatchObject({ state: "connecting", attempt: 1, error: lostError });
    expect(show(effects)).toEqual(connects);
  });

  it("is retried with growing waits while the retries fail", () => {
    let connection = upAndSteady;
    const waits: number[] = [];
    for (let failures = 0; failures < 9; failures += 1) {
      const step = stepConnection(connection, EVENTS.lost, 0.999_999);
      for (const effect of step.effects) {
        if (effect.type === "wait" && step.connection.state === "waiting")
          waits.push(effect.delayMs);
      }
      connection = step.connection;
      if (connection.state === "waiting") connection = run(connection, [EVENTS.due]);
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(connection.attempt).toBe(9);
  });

  it("counts as failed when it breaks soon after it came up, so that a hub that drops everybody is not hammered", () => {
    let connection = upAndSteady;
    const states: SessionState[] = [];
    for (let round = 0; round < 3; round += 1) {
      connection = run(connection, [EVENTS.lost]);
      states.push(connection.state);
      if (connection.state === "waiting") connection = run(connection, [EVENTS.due]);
      connection = run(connection, [EVENTS.opened, EVENTS.welcomed]);
    }
    expect(states).toEqual(["connecting", "waiting", "waiting"]);
  });

  it("clears the error and the attempts when it is ready", () => {
    const connection = run(inState("handshaking"), [EVENTS.welcomed]);
    expect(connection).toMatchObject({ error: undefined, attempt: 0 });
  });

  it("says that the hub did not answer when the attempt's deadline passes", () => {
    const { error } = run(started.connection, [EVENTS.due]);
    expect(error).toMatchObject({ kind: "timeout", message: expect.stringContaining("7000 ms") });
  });

  it("moves at a random time within what the hub asks for, and retries at once if the next hub is away", () => {
    expect(show(stepConnection(upAndSteady, EVENTS.bye, 0).effects)).toEqual(["wait 0"]);
    expect(show(stepConnection(upAndSteady, EVENTS.bye, 0.999).effects)).toEqual(["wait 799"]);
    const moved = run(inState("ready"), [EVENTS.bye, EVENTS.due, EVENTS.due, EVENTS.lost]);
    expect(moved).toMatchObject({ state: "connecting", attempt: 2 });
  });

  it("that moves waits for what is under way to be answered, but not for ever", () => {
    const settling = run(inState("ready"), [EVENTS.bye, EVENTS.due]);
    expect(settling).toMatchObject({ state: "draining", settling: true });
    expect(show(stepConnection(settling, EVENTS.due, 0).effects)).toEqual(connects);
  });

  it("retries at the slowest pace while the device is offline, and at once when it is back", () => {
    const offline = run(upAndSteady, [EVENTS.offline, EVENTS.lost]);
    expect(offline.state).toBe("connecting");
    const { connection, effects } = stepConnection(offline, EVENTS.lost, 0.5);
    expect(show(effects)).toEqual(["disconnect", `wait ${RETRY_CAP_MS / 2}`]);
    expect(run(connection, [EVENTS.online])).toMatchObject({ state: "connecting", offline: false });
  });

  it.each(ERROR_KINDS)(
    "that is refused with %s is tried again only where that can help",
    (kind) => {
      const error = new ConatError(kind, "no");
      const lost = { type: "lost", error } as const;
      const bye = { type: "bye", error, withinMs: 0 } as const;
      const final = recoveryFor(kind) === "fatal";
      expect(run(inState("connecting"), [lost]).state).toBe(final ? "refused" : "waiting");
      expect(run(inState("ready"), [bye]).state).toBe(final ? "refused" : "draining");
    },
  );

  it("asks for another token when one is refused, but not for ever", () => {
    const refused: ConnectionEvent = {
      type: "lost",
      error: new ConatError("unauthenticated", "expired"),
    };
    let connection = started.connection;
    for (let count = 1; count < MAX_TOKEN_REFUSALS; count += 1) {
      connection = run(connection, [refused]);
      expect(["connecting", "waiting"]).toContain(connection.state);
      if (connection.state === "waiting") connection = run(connection, [EVENTS.due]);
    }
    expect(run(connection, [refused]).state).toBe("refused");
    // An accepted one starts the count anew.
    const accepted = run(connection, [EVENTS.opened, EVENTS.welcomed]);
    expect(run(accepted, [refused]).state).not.toBe("refused");
  });

  it("is refused at once when there is no other token to ask for", () => {
    const fixed = startConnection({ ...OPTIONS, renewable: false }).connection;
    const error = new ConatError("unauthenticated", "expired");
    expect(run(fixed, [{ type: "lost", error }])).toMatchObject({ state: "refused", error });
  });

  it("always has a timer running or an end, whatever happens", () => {
    const anyEvent = fc.constantFrom<ConnectionEvent>(
      ...Object.values(EVENTS).filter(({ type }) => type !== "close"),
      { type: "lost", error: new ConatError("unauthenticated", "expired") },
      { type: "bye", error: new ConatError("unauthenticated", "expired"), withinMs: 100 },
    );
    const random = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(anyEvent, random), { maxLength: 60 }), (events) => {
        let { connection } = started;
        let waiting = true;
        for (const [event, chance] of events) {
          if (event.type === "due") {
            if (!waiting) continue;
            waiting = false;
          }
          const step = stepConnection(connection, event, chance);
          connection = step.connection;
          for (const effect of step.effects) {
            if (effect.type === "wait") waiting = true;
            if (effect.type === "stop-waiting") waiting = false;
          }
          // A steady connection needs none: the transport's heartbeat watches it.
          const needsTimer = !["ready", "refused"].includes(connection.state);
          if (needsTimer) expect(waiting).toBe(true);
          if (connection.state === "ready") expect(connection.error).toBeUndefined();
        }
      }),
    );
  });
});
