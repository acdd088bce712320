/** What the page and the backend share: names and shapes, the same on both sides. */

export interface Person {
  readonly id: string;
  readonly name: string;
  /** Colour, in degrees. */
  readonly hue: number;
}

/** Stored under the to-do's id, and kept until somebody deletes it. */
export interface Todo {
  readonly text: string;
  readonly done: boolean;
  /** Who touched it last. */
  readonly by: Person;
  /** When it was made, and when somebody touched it last, in milliseconds since the epoch. */
  readonly createdAt: number;
  readonly editedAt: number;
}

export type BuildState = "running" | "done" | "stopped";

export interface Build {
  readonly runId: string;
  readonly runner: Person;
  readonly state: BuildState;
  /** From 0 to 1. */
  readonly progress: number;
  readonly elapsedMs: number;
  /** Who ended it before it was done. */
  readonly stoppedBy?: string;
}

/** The store of the build: one key for what is going on, one for what is asked of whoever runs it. */
export interface BuildStore {
  readonly build: Build;
  readonly stop: { readonly runId: string; readonly by: string };
}

/** Where a pointer is. Nobody keeps it; who comes later sees the next one. */
export interface CursorMessage {
  /** One window or process; a person may have several. */
  readonly id: string;
  readonly person: Person;
  /** The part of the page it is over, and where within it, both from 0 to 1; absent while it is nowhere. */
  readonly at?: { readonly anchor: Anchor; readonly x: number; readonly y: number } | undefined;
  /** The window is going away. */
  readonly gone?: boolean;
}

export const ANCHORS = ["todos", "build", "page"] as const;
export type Anchor = (typeof ANCHORS)[number];

export const BUILD_STEPS = ["Install", "Compile", "Test", "Package"] as const;

export interface ProjectScope {
  readonly project_id: string;
}

export interface StoreName extends ProjectScope {
  readonly name: string;
  readonly ephemeral?: boolean;
}

export function todoStore(project_id: string): StoreName {
  return { project_id, name: "todos" };
}

export function buildStore(project_id: string): StoreName {
  return { project_id, name: "build", ephemeral: true };
}

export function cursorTopic(project_id: string): StoreName {
  return { project_id, name: "cursors" };
}

/** 20 random letters and digits; `crypto.randomUUID` is missing in pages that were not loaded securely. */
export function createId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(20));
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join("");
}

export function createTodo(text: string, by: Person): Todo {
  const now = Date.now();
  return { text, done: false, by, createdAt: now, editedAt: now };
}
