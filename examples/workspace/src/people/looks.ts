import type { CSSProperties } from "react";
import type { Person } from "../model/stores.ts";

/** A person's colour, for the style sheet. */
export function hue({ hue: degrees }: Pick<Person, "hue">): CSSProperties {
  return { "--hue": degrees } as CSSProperties;
}

export function initial(name: string): string {
  const [first = "?"] = name.trim();
  return first.toUpperCase();
}
