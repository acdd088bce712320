import { type ReactElement, useSyncExternalStore } from "react";
import { ConnectionLight } from "./connection-light.tsx";
import { hue } from "./hue.ts";
import type { People } from "./people.ts";
import type { Person } from "./stores.ts";

export interface HeaderProps {
  readonly me: Person;
  readonly onRename: (name: string) => void;
  readonly people: People;
  readonly project: string;
}

export function Header({ me, onRename, people, project }: HeaderProps): ReactElement {
  return (
    <header className="header">
      <div className="brand">
        <Logo />
        <h1>
          conat <span className="project">{project}</span>
        </h1>
        <ConnectionLight />
      </div>
      <p className="tagline">One store, every window. Open this page twice, and see.</p>
      <div className="who">
        <Present people={people} />
        <label className="me" style={hue(me)} title="Who you are here: write another name">
          <span className="avatar" aria-hidden="true">
            {initial(me.name)}
          </span>
          <span className="visually-hidden">Your name</span>
          <input
            value={me.name}
            maxLength={24}
            onChange={(event) => onRename(event.target.value)}
            onBlur={() => me.name.trim() === "" && onRename("Somebody")}
          />
        </label>
      </div>
    </header>
  );
}

function Present({ people }: { readonly people: People }): ReactElement {
  const present = useSyncExternalStore(people.subscribe, people.present);
  const shown = present.slice(0, 5);
  const more = present.length - shown.length;
  return (
    <ul className="present" aria-label="Who else is here">
      {shown.map((person, index) => (
        // One person may be here with several windows.
        <li
          key={`${person.id} ${index}`}
          className="avatar"
          style={hue(person)}
          title={person.name}
        >
          <span aria-hidden="true">{initial(person.name)}</span>
          <span className="visually-hidden">{person.name}</span>
        </li>
      ))}
      {more > 0 && <li className="avatar more">+{more}</li>}
    </ul>
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

function initial(name: string): string {
  const [first = "?"] = name.trim();
  return first.toUpperCase();
}
