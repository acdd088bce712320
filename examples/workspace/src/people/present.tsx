import type { DKV } from "@conat/conat";
import { useDKV } from "@conat/frontend-hooks";
import type { ReactElement } from "react";
import { useWatched } from "../health/use-watched.ts";
import { type Presence, presenceStore, type View } from "../model/stores.ts";
import { Avatar } from "./avatar.tsx";

export interface PresentProps {
  readonly account: string;
  readonly projectId: string;
}

/** More than these would push everything else out of the header. */
const MAX_SHOWN = 5;

const DOING: Readonly<Record<View, string>> = {
  board: "looks at the board",
  table: "looks at the table",
};

/** Who else has the project open, everybody once however many windows they have. */
export function Present({ account, projectId }: PresentProps): ReactElement {
  const { values, store } = useDKV(presenceStore(projectId));
  useWatched(store as DKV | undefined, { label: "Presence", isBackground: true });
  const others = new Map<string, Presence>();
  for (const [, presence] of [...values].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (presence.person.id !== account) others.set(presence.person.id, presence);
  }
  const shown = [...others.values()].slice(0, MAX_SHOWN);
  const more = others.size - shown.length;
  return (
    <ul className="present" aria-label="Who else is here">
      {shown.map(({ person, view }) => (
        <li key={person.id}>
          <Avatar person={person} title={`${person.name} ${DOING[view]}`} />
        </li>
      ))}
      {more > 0 && <li className="avatar more">+{more}</li>}
    </ul>
  );
}
