import { createId } from "./create-id.ts";
import { VIEWS, type View } from "./stores.ts";

export interface Project {
  readonly id: string;
  readonly title: string;
  readonly role: "editor" | "viewer";
}

/** What the identity of this page may reach. A hub with tokens reads it from them; one in development believes it. */
export const PROJECTS: readonly Project[] = [
  { id: "apollo", title: "Apollo", role: "editor" },
  { id: "garden", title: "Garden", role: "editor" },
  { id: "handbook", title: "Handbook", role: "viewer" },
];

const STORAGE_KEY = "conat-workspace-account";

/** Who this browser is: `?as=` in the address, else an account of its own, the same in all of its tabs. */
export function accountOfPage(): string {
  const named = new URLSearchParams(location.search).get("as");
  if (named) return named;
  const known = localStorage.getItem(STORAGE_KEY);
  if (known) return known;
  const created = createId();
  localStorage.setItem(STORAGE_KEY, created);
  return created;
}

const NAMES = [
  ...["Otter", "Heron", "Lynx", "Puffin", "Marten", "Kestrel", "Badger", "Wren"],
  ...["Ibex", "Tapir", "Plover", "Civet", "Osprey", "Gecko", "Narwhal", "Quokka"],
];

/** The colours of people, in degrees. */
export const HUES = [25, 60, 110, 155, 195, 235, 285, 335] as const;

/** What an account is called and coloured until it says otherwise; the same wherever it is asked. */
export function firstLooks(account_id: string): { readonly name: string; readonly hue: number } {
  let hash = 0;
  for (const letter of account_id) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return {
    name: NAMES[hash % NAMES.length] ?? "Somebody",
    hue: HUES[(hash >>> 8) % HUES.length] ?? HUES[0],
  };
}

/** What the page shows, as its address says. */
export interface Place {
  readonly project: Project;
  readonly view: View;
}

export function placeOf(search: string): Place {
  const query = new URLSearchParams(search);
  const project = PROJECTS.find(({ id }) => id === query.get("project")) ?? PROJECTS[0];
  if (project === undefined) throw new Error("there is no project");
  return { project, view: VIEWS.find((view) => view === query.get("view")) ?? "board" };
}

export function searchOf({ project, view }: Place, search: string): string {
  const query = new URLSearchParams(search);
  query.set("project", project.id);
  if (view === "board") query.delete("view");
  else query.set("view", view);
  return `?${query}`;
}
