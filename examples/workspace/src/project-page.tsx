import { useDKVState } from "@conat/frontend-hooks";
import type { ReactElement } from "react";
import { Board } from "./board/board.tsx";
import { BuildPanel } from "./build/build-panel.tsx";
import type { Place } from "./model/identity.ts";
import { cardStore, type Person } from "./model/stores.ts";
import { NoAccess } from "./no-access.tsx";
import { Announce } from "./people/announce.tsx";
import { Cursors } from "./people/cursors.tsx";
import { TableView } from "./table/table-view.tsx";

export interface ProjectPageProps {
  readonly me: Person;
  readonly place: Place;
  readonly windowId: string;
  /** Opens the project anew. */
  readonly onRetry: () => void;
}

export function ProjectPage(props: ProjectPageProps): ReactElement {
  const { me, place, windowId, onRetry } = props;
  const { project, view } = place;
  const { status, error } = useDKVState(cardStore(project.id));
  if (status === "closed" && error) {
    return <NoAccess title={project.title} error={error} onRetry={onRetry} />;
  }
  const { id: projectId } = project;
  return (
    <main className="page" data-anchor="page">
      {project.role === "viewer" && (
        <p className="hint">
          You may look around in {project.title}. What you change here is refused, and put aside for
          you.
        </p>
      )}
      {view === "board" ? (
        <div className="workbench">
          <Board me={me} projectId={projectId} canEdit={project.role === "editor"} />
          <BuildPanel me={me} projectId={projectId} />
        </div>
      ) : (
        <TableView projectId={projectId} />
      )}
      {project.role === "editor" && (
        <>
          <Announce me={me} projectId={projectId} view={view} windowId={windowId} />
          <Cursors key={view} me={me} projectId={projectId} view={view} windowId={windowId} />
        </>
      )}
    </main>
  );
}
