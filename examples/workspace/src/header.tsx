import type { ReactElement } from "react";
import { ConnectionLight } from "./health/connection-light.tsx";
import type { Place } from "./model/identity.ts";
import { VIEWS, type View } from "./model/stores.ts";
import { Present } from "./people/present.tsx";
import { ProjectSwitcher } from "./project-switcher.tsx";
import { SettingsMenu } from "./settings/settings-menu.tsx";
import type { SettingsControl } from "./settings/use-settings.ts";

export interface HeaderProps {
  readonly place: Place;
  readonly go: (place: Place) => void;
  readonly settings: SettingsControl;
  readonly isDebugging: boolean;
  readonly onDebug: (isDebugging: boolean) => void;
}

const VIEW_TITLES: Readonly<Record<View, string>> = { board: "Board", table: "Table" };

export function Header({ place, go, settings, isDebugging, onDebug }: HeaderProps): ReactElement {
  return (
    <header className="header">
      <div className="brand">
        <Logo />
        <h1 className="visually-hidden">Workspace</h1>
        <ProjectSwitcher
          project={place.project}
          onSwitch={(project) => go({ ...place, project })}
        />
        <ConnectionLight />
      </div>
      <nav className="tabs" aria-label="Views">
        {VIEWS.map((view) => (
          <button
            key={view}
            type="button"
            aria-current={view === place.view ? "page" : undefined}
            onClick={() => go({ ...place, view })}
          >
            {VIEW_TITLES[view]}
          </button>
        ))}
      </nav>
      <div className="who">
        <Present account={settings.me.id} projectId={place.project.id} />
        <button
          type="button"
          className="icon"
          aria-label="Debug drawer"
          aria-expanded={isDebugging}
          onClick={() => onDebug(!isDebugging)}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M2 9h2.5l2-5.5 3 9 2-3.5H14" />
          </svg>
        </button>
        <SettingsMenu settings={settings} />
      </div>
    </header>
  );
}

function Logo(): ReactElement {
  return (
    <svg className="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect x="2" y="2" width="19" height="19" rx="6" className="logo-back" />
      <rect x="11" y="11" width="19" height="19" rx="6" className="logo-front" />
      <circle cx="16" cy="16" r="2.6" className="logo-dot" />
    </svg>
  );
}
