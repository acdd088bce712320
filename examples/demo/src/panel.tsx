import type { ReactElement, ReactNode } from "react";
import type { Anchor } from "./stores.ts";

export interface PanelProps {
  readonly title: string;
  /** What it is made with, as code. */
  readonly code: string;
  readonly note: string;
  readonly anchor?: Anchor;
  readonly children: ReactNode;
}

export function Panel({ title, code, note, anchor, children }: PanelProps): ReactElement {
  return (
    <section className="panel" aria-label={title} data-anchor={anchor}>
      <div className="panel-head">
        <h2>{title}</h2>
        <p>
          <code>{code}</code> <span>{note}</span>
        </p>
      </div>
      {children}
    </section>
  );
}
