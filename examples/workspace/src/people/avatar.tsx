import type { ReactElement } from "react";
import type { Person } from "../model/stores.ts";
import { hue, initial } from "./looks.ts";

export interface AvatarProps {
  readonly person: Person;
  /** Shown when the pointer rests on it. @default the name */
  readonly title?: string | undefined;
}

export function Avatar({ person, title = person.name }: AvatarProps): ReactElement {
  return (
    <span className="avatar" style={hue(person)} title={title}>
      <span aria-hidden="true">{initial(person.name)}</span>
      <span className="visually-hidden">{person.name}</span>
    </span>
  );
}
