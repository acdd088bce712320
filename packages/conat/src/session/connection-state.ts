import { ConatError, recoveryFor } from "../protocol/conat-error.ts";
import { backoffMs } from "./backoff.ts";
import type { SessionState, SessionStatus } from "./session.ts";

/** A connection that stood this long was a good one: its loss is retried at once, as if there had been no failure. */
export const STEADY_AFTER_MS = 5_000;

/** How long a move waits for answers that are under way, in milliseconds: one that hangs must not stop it. */
export const SETTLE_MS = 1_000;

/** The part of the time the hub gives that is over before a client moves at the latest; the rest is for settling. */
const MOVE_SHARE = 0.8;

/** How often in a row a new token may be refused before the session is. */
export const MAX_TOKEN_REFUSALS = 3;

export interface ConnectionOptions {
  /** Whether another token can be asked for. */
  readonly renewable: boolean;
  /** From the start of an attempt to `welcome`, in milliseconds. */
  readonly connectTimeoutMs: number;
}

/** State of the connection between a client and its hub. */
export interface Connection extends SessionStatus {
  readonly options: ConnectionOptions;
  /** Attempts that failed in a row; decides the next wait. */
  readonly failures: number;
  /** Tokens refused in a row. */
  readonly refusals: number;
  /** The device says it has no network. Attempts go on, a hub on loopback needs none, but no faster than the cap. */
  readonly offline: boolean;
  /** On the move: nothing new is sent, and what was is about to be answered. */
  readonly settling: boolean;
}

export type ConnectionEvent =
  /** The hub accepted the handshake. */
  | { readonly type: "opened" }
  /** The hub's first message arrived. */
  | { readonly type: "welcomed" }
  /** The attempt failed or the connection is gone. */
  | { readonly type: "lost"; readonly error: ConatError }
  /** The hub is about to close the connection. */
  | { readonly type: "bye"; readonly error: ConatError; readonly withinMs: number }
  /** The wait asked for last is over, or has become pointless: everything is answered, as `settle` asks for. */
  | { readonly type: "due" }
  | { readonly type: "online" }
  | { readonly type: "offline" }
  /** The page can be seen again. */
  | { readonly type: "visible" }
  | { readonly type: "close" };

/** What the runner does. There is one wait at a time: a new one replaces it. */
export type ConnectionEffect =
  | { readonly type: "connect" }
  | { readonly type: "disconnect" }
  /** Send nothing new, and tell when everything is answered. */
  | { readonly type: "settle" }
  | { readonly type: "wait"; readonly delayMs: number }
  | { readonly type: "stop-waiting" };

export interface ConnectionStep {
  readonly connection: Connection;
  readonly effects: readonly ConnectionEffect[];
}

type Action = "connect" | "handshake" | "ready" | "steady" | "drain" | "move" | "fail" | "close";

/** What each event does in each state; one that is not named does nothing. Being offline is noted in every state. */
export const CONNECTION_TABLE: Record<
  SessionState,
  Partial<Record<ConnectionEvent["type"], Action>>
> = {
  // biome-ignore format: a table
  connecting:  { opened: "handshake", lost: "fail", bye: "fail", due: "fail", close: "close" },
  // biome-ignore format: a table
  handshaking: { welcomed: "ready", lost: "fail", bye: "fail", due: "fail", close: "close" },
  // biome-ignore format: a table
  ready:       { lost: "fail", bye: "drain", due: "steady", close: "close" },
  // biome-ignore format: a table
  waiting:     { due: "connect", online: "connect", visible: "connect", close: "close" },
  // biome-ignore format: a table
  draining:    { lost: "fail", due: "move", close: "close" },
  // biome-ignore format: a table
  refused:     { close: "close" },
  // biome-ignore format: a table
  closed:      {  },
};

/** The first attempt. */
export function startConnection(options: ConnectionOptions): ConnectionStep {
  return connect({
    state: "connecting",
    error: undefined,
    attempt: 0,
    options,
    failures: 0,
    refusals: 0,
    offline: false,
    settling: false,
  });
}

/**
 * What `event` makes of `connection`, and what is to be done about it.
 * @param random a number in [0, 1)
 */
export function stepConnection(
  before: Connection,
  event: ConnectionEvent,
  random: number,
): ConnectionStep {
  const connection =
    event.type === "online" || event.type === "offline"
      ? { ...before, offline: event.type === "offline" }
      : before;
  const error = "error" in event ? event.error : undefined;
  const action = CONNECTION_TABLE[connection.state][event.type];
  if (action === undefined) return { connection, effects: [] };
  switch (action) {
    case "connect":
      return connect(connection);
    case "handshake":
      return { connection: { ...connection, state: "handshaking" }, effects: [] };
    case "ready":
      return {
        connection: { ...connection, state: "ready", error: undefined, attempt: 0, refusals: 0 },
        effects: [{ type: "wait", delayMs: STEADY_AFTER_MS }],
      };
    case "steady":
      return { connection: { ...connection, failures: 0 }, effects: [] };
    case "drain":
      return drain(connection, event, random);
    case "move":
      return connection.settling ? connect(connection) : settle(connection);
    case "fail":
      return fail(connection, error ?? timedOut(connection), random);
    case "close":
      return finish(connection, "closed", new ConatError("closed", "the session was closed"));
  }
}

function connect(connection: Connection): ConnectionStep {
  return {
    connection: { ...connection, state: "connecting", attempt: connection.attempt + 1 },
    effects: [
      { type: "disconnect" },
      { type: "wait", delayMs: connection.options.connectTimeoutMs },
      { type: "connect" },
    ],
  };
}

function drain(connection: Connection, event: ConnectionEvent, random: number): ConnectionStep {
  if (event.type !== "bye") return { connection, effects: [] };
  const { error, withinMs } = event;
  if (isFinal(connection, error)) return finish(connection, "refused", error);
  return {
    // The move is not a failure: should the next hub be away, its first retry is at once, too.
    connection: { ...connection, state: "draining", error, failures: 0, settling: false },
    effects: [{ type: "wait", delayMs: Math.floor(random * MOVE_SHARE * withinMs) }],
  };
}

/** A connection that ends while answers are under way leaves it open what became of what was asked. */
function settle(connection: Connection): ConnectionStep {
  return {
    connection: { ...connection, settling: true },
    effects: [{ type: "wait", delayMs: SETTLE_MS }, { type: "settle" }],
  };
}

function fail(connection: Connection, error: ConatError, random: number): ConnectionStep {
  if (isFinal(connection, error)) return finish(connection, "refused", error);
  const { failures, offline } = connection;
  const delayMs = backoffMs(offline && failures > 0 ? Number.POSITIVE_INFINITY : failures, random);
  const failed: Connection = {
    ...connection,
    state: "waiting",
    error,
    failures: failures + 1,
    refusals:
      recoveryFor(error.kind) === "reauthenticate" ? connection.refusals + 1 : connection.refusals,
  };
  if (delayMs === 0) return connect(failed);
  return { connection: failed, effects: [{ type: "disconnect" }, { type: "wait", delayMs }] };
}

/** Whether trying again is useless. */
function isFinal({ options, refusals }: Connection, error: ConatError): boolean {
  switch (recoveryFor(error.kind)) {
    case "retry":
      return false;
    case "reauthenticate":
      return !options.renewable || refusals + 1 >= MAX_TOKEN_REFUSALS;
    case "fatal":
      return true;
  }
}

function finish(
  connection: Connection,
  state: "refused" | "closed",
  error: ConatError,
): ConnectionStep {
  return {
    connection: { ...connection, state, error },
    effects: [{ type: "stop-waiting" }, { type: "disconnect" }],
  };
}

function timedOut({ options }: Connection): ConatError {
  return new ConatError(
    "timeout",
    `the hub did not answer within ${options.connectTimeoutMs} ms; is it reachable?`,
  );
}
