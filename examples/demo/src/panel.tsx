import type { ReactElement, ReactNode } from "react";
import type { Anchor } from "./stores.ts";

export interface PanelProps {
  readonly title: string;
  /** What it is made with, as code. */
  readonly code: string;
  /** Where that keeps what it is told. */
  readonly note: string;
  readonly anchor?: Anchor;
  readonly children: ReactNode;
}

export function Panel({ title, code, note, anchor, children }: PanelProps): ReactElement {
  return (
    <section className="panel" aria-label={title} data-anchor={anchor}>
      <div className="panel-head">
        <h2>{title}</h2>
        <span>{note}</span>
        <code>{code}</code>
      </div>
      {children}
    </section>
  );
}
