import { type ReactElement, useState } from "react";
import { BuildPanel } from "./build-panel.tsx";
import { Cursors } from "./cursors.tsx";
import { Header } from "./header.tsx";
import { savePerson } from "./identity.ts";
import { JoinPanel } from "./join-panel.tsx";
import { OfflineBanner } from "./offline-banner.tsx";
import { People } from "./people.ts";
import { createId, type Person } from "./stores.ts";
import { TodoPanel } from "./todo-panel.tsx";

export interface AppProps {
  readonly firstPerson: Person;
  readonly project: string;
}

export function App({ firstPerson, project }: AppProps): ReactElement {
  const [me, setMe] = useState(firstPerson);
  const [windowId] = useState(createId);
  const [people] = useState(() => new People(windowId));
  const rename = (name: string): void => {
    const renamed = { ...me, name };
    savePerson(renamed);
    setMe(renamed);
  };
  return (
    <div className="page" data-anchor="page">
      <Header me={me} onRename={rename} people={people} project={project} />
      <OfflineBanner />
      <main className="grid">
        <TodoPanel me={me} project={project} />
        <div className="side">
          <BuildPanel me={me} project={project} />
          <JoinPanel project={project} />
        </div>
      </main>
      <Cursors me={me} people={people} project={project} windowId={windowId} />
    </div>
  );
}
