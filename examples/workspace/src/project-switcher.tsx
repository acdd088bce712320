import { type ReactElement, useRef } from "react";
import { PROJECTS, type Project } from "./model/identity.ts";
import { initial } from "./people/looks.ts";

export interface ProjectSwitcherProps {
  readonly project: Project;
  readonly onSwitch: (project: Project) => void;
}

export function ProjectSwitcher({ project, onSwitch }: ProjectSwitcherProps): ReactElement {
  const menu = useRef<HTMLDivElement>(null);
  return (
    <div className="switcher">
      <button type="button" className="switch" popoverTarget="projects" aria-haspopup="true">
        <span className="visually-hidden">Project: </span>
        {project.title}
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M5 6.5L8 3.5l3 3M5 9.5l3 3 3-3" />
        </svg>
      </button>
      <div ref={menu} id="projects" popover="auto" className="menu">
        <p className="menu-title">Projects</p>
        <ul>
          {PROJECTS.map((other) => (
            <li key={other.id}>
              <button
                type="button"
                aria-current={other.id === project.id}
                onClick={() => {
                  menu.current?.hidePopover();
                  onSwitch(other);
                }}
              >
                <span className="project-mark" aria-hidden="true">
                  {initial(other.title)}
                </span>
                <span>{other.title}</span>
                {other.role === "viewer" && <small>view only</small>}
              </button>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
