// Anybody who may write to the project may write to these stores: a terminal, any NATS client, a script of a newcomer.
// What they leave out of a to-do is filled in; whatever else is not as it should be is not shown.
import { ANCHORS, type Build, type CursorMessage, type Person, type Todo } from "./stores.ts";

const SOMEBODY: Person = { id: "", name: "Somebody", hue: 220 };

/** A to-do that can be shown; undefined when the value has no text. The same object if it is complete. */
export function toTodo(value: unknown): Todo | undefined {
  if (!isRecord(value) || typeof value.text !== "string") return undefined;
  if (isTodo(value)) return value;
  const createdAt = isNumber(value.createdAt) ? value.createdAt : 0;
  return {
    text: value.text,
    done: value.done === true,
    by: isPerson(value.by) ? value.by : SOMEBODY,
    createdAt,
    editedAt: isNumber(value.editedAt) ? value.editedAt : createdAt,
  };
}

/** A build that can be shown. */
export function toBuild(value: unknown): Build | undefined {
  return isBuild(value) ? value : undefined;
}

export function isCursorMessage(value: unknown): value is CursorMessage {
  return (
    isRecord(value) &&
    typeof value.id === "string" &&
    isPerson(value.person) &&
    (value.at === undefined || isPlace(value.at))
  );
}

function isTodo(value: unknown): value is Todo {
  return (
    isRecord(value) &&
    typeof value.text === "string" &&
    typeof value.done === "boolean" &&
    isPerson(value.by) &&
    isNumber(value.createdAt) &&
    isNumber(value.editedAt)
  );
}

function isBuild(value: unknown): value is Build {
  return (
    isRecord(value) &&
    typeof value.runId === "string" &&
    isPerson(value.runner) &&
    (value.state === "running" || value.state === "done" || value.state === "stopped") &&
    isNumber(value.progress) &&
    isNumber(value.elapsedMs) &&
    (value.stoppedBy === undefined || typeof value.stoppedBy === "string")
  );
}

function isPerson(value: unknown): value is Person {
  return (
    isRecord(value) &&
    typeof value.id === "string" &&
    typeof value.name === "string" &&
    isNumber(value.hue)
  );
}

function isPlace(value: unknown): value is CursorMessage["at"] {
  return (
    isRecord(value) &&
    ANCHORS.some((anchor) => anchor === value.anchor) &&
    isNumber(value.x) &&
    isNumber(value.y)
  );
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
