import type { HubEvents } from "./events.ts";
import { DURABILITIES, type Durability } from "./feed-position.ts";
import { MAX_NAME_BYTES } from "./limits.ts";
import type { Refusal } from "./messages/hello.ts";

/**
 * Whether a value has a shape. The shapes of what a hub sends, checked without the schemas of `messages/`, which would
 * be a tenth of a browser's bundle. The schemas define them; `hub-messages.test.ts` holds the two together.
 */
type Shape = (value: unknown) => boolean;

const text: Shape = (value) => typeof value === "string";
const number: Shape = (value) => typeof value === "number" && !Number.isNaN(value);
const natural: Shape = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const bytes: Shape = (value) => value instanceof Uint8Array;
const bit: Shape = (value) => value === 0 || value === 1;
const upTo =
  (length: number): Shape =>
  (value) =>
    typeof value === "string" && value.length <= length;
const orNull =
  (shape: Shape): Shape =>
  (value) =>
    value === null || shape(value);
const list =
  (shape: Shape): Shape =>
  (value) =>
    Array.isArray(value) && value.every(shape);
const tuple =
  (...shapes: Shape[]): Shape =>
  (value) =>
    Array.isArray(value) &&
    value.length === shapes.length &&
    shapes.every((shape, at) => shape(value[at]));
const record =
  (shapes: Readonly<Record<string, Shape>>): Shape =>
  (value) =>
    typeof value === "object" &&
    value !== null &&
    Object.entries(shapes).every(([name, shape]) => shape(Reflect.get(value, name)));

const why = tuple(natural, text, text);
const problem = orNull(tuple(text, text));
const pair = tuple(natural, natural);

const SHAPES: Readonly<Record<keyof HubEvents, Shape>> = {
  welcome: tuple(
    record({
      v: natural,
      origin: text,
      time: number,
      hub: text,
      leftMs: (value) => value === undefined || number(value),
    }),
  ),
  bye: tuple(text, text, natural),
  identity: tuple(orNull(number), problem),
  reset: tuple(natural, natural, bit, text, (value) => DURABILITIES.includes(value as Durability)),
  snapshot: tuple(natural, bytes),
  synced: tuple(natural, tuple(upTo(128), natural, number)),
  live: tuple(natural, bytes, natural),
  verified: pair,
  stale: why,
  closed: why,
  ack: tuple(list(natural), list(natural)),
  nack: tuple(natural, text, text, orNull(bytes)),
  entry: tuple(natural, orNull(bytes), problem),
  stores: tuple(natural, list(tuple(upTo(MAX_NAME_BYTES), bit, natural)), bit, problem),
  destroyed: tuple(natural, problem),
  subscribed: pair,
  msg: tuple(natural, text, bytes),
  lagged: pair,
  unsubscribed: why,
};

const isRefusalShape = record({ kind: text, message: text });

/** What a hub sends as `data` of a handshake that it refuses. */
export function isRefusal(value: unknown): value is Refusal {
  return isRefusalShape(value);
}

/** Whether a hub sends messages of this name at all; others are a newer hub's, which does not depend on them. */
export function isHubEvent(event: string): event is keyof HubEvents {
  return Object.hasOwn(SHAPES, event);
}

/** Hands a hub's message on if it has its shape; answers whether it has. */
export function receive(
  handlers: Readonly<HubEvents>,
  event: keyof HubEvents,
  message: readonly unknown[],
): boolean {
  if (!SHAPES[event](message)) return false;
  const handle = handlers[event] as (...message: readonly unknown[]) => void;
  handle(...message);
  return true;
}
