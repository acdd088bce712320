import type { CSSProperties } from "react";
import type { Person } from "./stores.ts";

/** The person's colour, for the style sheet. */
export function hue(person: Person): CSSProperties {
  return { "--hue": person.hue } as CSSProperties;
}
