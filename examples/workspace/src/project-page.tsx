import type { ReactElement } from "react";
import { Board } from "./board/board.tsx";
import type { Place } from "./model/identity.ts";
import type { Person } from "./model/stores.ts";

export interface ProjectPageProps {
  readonly me: Person;
  readonly place: Place;
  readonly windowId: string;
}

export function ProjectPage({ me, place: { project } }: ProjectPageProps): ReactElement {
  return (
    <main className="page">
      <Board me={me} project={project} />
    </main>
  );
}
