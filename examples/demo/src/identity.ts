import { createId, type Person } from "./stores.ts";

const NAMES = [
  ...["Otter", "Heron", "Lynx", "Puffin", "Marten", "Kestrel", "Badger", "Wren"],
  ...["Ibex", "Tapir", "Plover", "Civet", "Osprey", "Gecko", "Narwhal", "Quokka"],
];

const STORAGE_KEY = "conat-demo-person";

/** Which project the page shows: `?project=`, or "demo". */
export function projectOfPage(): string {
  return new URLSearchParams(location.search).get("project") || "demo";
}

/** Who this window is: kept while it is open, reloads included, so that every new window is somebody else. */
export function loadPerson(): Person {
  const stored = parsePerson(sessionStorage.getItem(STORAGE_KEY));
  if (stored !== undefined) return stored;
  const [pick = 0, turn = 0] = crypto.getRandomValues(new Uint16Array(2));
  const person = {
    id: createId(),
    name: NAMES[pick % NAMES.length] ?? "Somebody",
    hue: turn % 360,
  };
  savePerson(person);
  return person;
}

export function savePerson(person: Person): void {
  sessionStorage.setItem(STORAGE_KEY, JSON.stringify(person));
}

function parsePerson(text: string | null): Person | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const { id, name, hue } = parsed as Record<keyof Person, unknown>;
  if (typeof id !== "string" || typeof name !== "string" || typeof hue !== "number") {
    return undefined;
  }
  return { id, name, hue };
}
