import { type ReactElement, useState } from "react";
import { Header } from "./header.tsx";
import { useLeaveWarning } from "./health/use-watched.ts";
import { createId } from "./model/create-id.ts";
import { usePlace } from "./model/use-place.ts";
import { ProjectPage } from "./project-page.tsx";
import { useSettings } from "./settings/use-settings.ts";

export function App({ account }: { readonly account: string }): ReactElement {
  const settings = useSettings(account);
  const [place, go] = usePlace();
  const [windowId] = useState(createId);
  useLeaveWarning();
  return (
    <>
      <Header place={place} go={go} settings={settings} windowId={windowId} />
      <ProjectPage key={place.project.id} me={settings.me} place={place} windowId={windowId} />
    </>
  );
}
