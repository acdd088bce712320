import { usePubSub } from "@conat/frontend-hooks";
import { type ReactElement, useState } from "react";

interface Cursor {
  readonly who: string;
  readonly x: number;
  readonly y: number;
}

export function Cursors(props: { readonly project_id: string; readonly me: string }): ReactElement {
  const { project_id, me } = props;
  const [cursors, setCursors] = useState<ReadonlyMap<string, Cursor>>(new Map());
  const { set } = usePubSub<Cursor>(
    { project_id, name: "cursors", throttleMs: 40 },
    (cursor, { own }) => {
      if (!own) setCursors((before) => new Map(before).set(cursor.who, cursor));
    },
  );
  return (
    <div
      style={{ position: "relative", height: 300 }}
      onPointerMove={({ clientX, clientY }) => set({ who: me, x: clientX, y: clientY })}
    >
      {[...cursors.values()].map(({ who, x, y }) => (
        <span key={who} style={{ position: "fixed", left: x, top: y }}>
          {who}
        </span>
      ))}
    </div>
  );
}
