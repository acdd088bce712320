import { type ReactElement, useState } from "react";
import { Header } from "./header.tsx";
import { DebugDrawer } from "./health/debug-drawer.tsx";
import { OfflineBanner } from "./health/offline-banner.tsx";
import { RejectedTray } from "./health/rejected-tray.tsx";
import { useLeaveWarning } from "./health/use-watched.ts";
import { createId } from "./model/create-id.ts";
import { usePlace } from "./model/use-place.ts";
import { ProjectPage } from "./project-page.tsx";
import { useSettings } from "./settings/use-settings.ts";

export function App({ account }: { readonly account: string }): ReactElement {
  const settings = useSettings(account);
  const [place, go] = usePlace();
  const [windowId] = useState(createId);
  const [attempt, setAttempt] = useState(0);
  const [isDebugging, setDebugging] = useState(false);
  useLeaveWarning();
  return (
    <>
      <Header
        place={place}
        go={go}
        settings={settings}
        isDebugging={isDebugging}
        onDebug={setDebugging}
      />
      <OfflineBanner />
      <ProjectPage
        key={`${attempt} ${place.project.id}`}
        me={settings.me}
        place={place}
        windowId={windowId}
        onRetry={() => setAttempt(attempt + 1)}
      />
      <RejectedTray />
      {isDebugging && <DebugDrawer onClose={() => setDebugging(false)} />}
    </>
  );
}
