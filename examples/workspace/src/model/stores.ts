/** What windows share: names and shapes of every store and channel, in one place. */
import { mergeJson } from "@conat/conat/merge";
import type { StoreOptions, TopicOptions } from "@conat/frontend-hooks";

export interface Person {
  /** The account. */
  readonly id: string;
  readonly name: string;
  /** Colour, in degrees. */
  readonly hue: number;
}

export const COLUMNS = ["todo", "doing", "done"] as const;
export type ColumnId = (typeof COLUMNS)[number];

export const COLUMN_TITLES: Readonly<Record<ColumnId, string>> = {
  todo: "To do",
  doing: "In progress",
  done: "Done",
};

/** Stored under the card's id. */
export interface Card {
  readonly title: string;
  readonly column: ColumnId;
  /** Place within the column: see `order-key.ts`. */
  readonly order: string;
  /** Who touched it last, and when, in milliseconds since the epoch. */
  readonly by: Person;
  readonly editedAt: number;
}

/** The board. Merged field by field: who moves a card and who renames it at the same time both get their way. */
export function cardStore(project_id: string): StoreOptions<Card> {
  return { project_id, name: "cards", merge: mergeJson };
}

export const VIEWS = ["board", "table"] as const;
export type View = (typeof VIEWS)[number];

/** One window of somebody who is here, stored under the window's id for as long as it is renewed. */
export interface Presence {
  readonly person: Person;
  readonly view: View;
}

/** How long a window that has died without a word still counts as here, in milliseconds. */
export const PRESENCE_TTL_MS = 15_000;

export function presenceStore(project_id: string): StoreOptions<Presence> {
  return { project_id, name: "presence", ephemeral: true, ttlMs: PRESENCE_TTL_MS };
}

/** Where a pointer is. Nobody keeps it; who comes later sees the next one. */
export interface CursorMessage {
  /** The window: a person may have several. */
  readonly id: string;
  readonly person: Person;
  /** The part of the page it is over, and where within that, both from 0 to 1; absent when it has left the page. */
  readonly at?: { readonly anchor: string; readonly x: number; readonly y: number };
}

export function cursorTopic(project_id: string, view: View): TopicOptions {
  return { project_id, path: view, name: "cursors", throttleMs: 40 };
}

export const BUILD_STEPS = ["Install", "Compile", "Test", "Package"] as const;

/** The newest build. */
export interface Build {
  readonly runId: string;
  readonly runner: Person;
  readonly state: "running" | "done" | "stopped";
  /** From 0 to 1. */
  readonly progress: number;
  readonly elapsedMs: number;
  /** Who ended it before it was done. */
  readonly stoppedBy?: string;
}

/** Coordination of builds; kept in the server's memory. */
export interface BuildStore {
  /** Whoever runs a build holds this and renews it; it expires by itself when they are gone. */
  readonly lease: { readonly runId: string; readonly runner: Person };
  readonly build: Build;
  /** Asks whoever runs it to stop. */
  readonly stop: { readonly runId: string; readonly by: string };
}

export function buildStore(project_id: string): StoreOptions<BuildStore> {
  return { project_id, name: "build", ephemeral: true };
}

export type Theme = "system" | "light" | "dark";
export type Density = "comfortable" | "compact";

/** What an account has chosen, the same in all of its tabs. */
export interface Settings {
  readonly name: string;
  readonly hue: number;
  readonly theme: Theme;
  readonly density: Density;
}

export function settingsStore(account_id: string): StoreOptions<Settings> {
  return { account_id, name: "settings" };
}

/** One row of the table. */
export interface Reading {
  readonly sensor: string;
  readonly value: number;
  /** How often it has been written. */
  readonly count: number;
}

export function readingStore(project_id: string): StoreOptions<Reading> {
  return { project_id, name: "readings", ephemeral: true };
}
