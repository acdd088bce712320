import { usePubSub } from "@conat/frontend-hooks";
import {
  type ReactElement,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { type CursorMessage, cursorTopic, type Person, type View } from "../model/stores.ts";
import { CursorBook } from "./cursor-book.ts";
import { hue } from "./looks.ts";
import { useOwnCursor } from "./use-own-cursor.ts";

export interface CursorsProps {
  readonly me: Person;
  readonly projectId: string;
  readonly view: View;
  readonly windowId: string;
}

const SWEEP_MS = 1_000;

/** Tells where this window's pointer is, and shows those of the others who look at the same. */
export function Cursors({ me, projectId, view, windowId }: CursorsProps): ReactElement {
  const [book] = useState(() => new CursorBook(windowId));
  const { set } = usePubSub<CursorMessage>(cursorTopic(projectId, view), (message) =>
    book.receive(message, performance.now()),
  );
  useOwnCursor({ id: windowId, person: me, set });
  useEffect(() => {
    const timer = setInterval(() => book.sweep(performance.now()), SWEEP_MS);
    return () => clearInterval(timer);
  }, [book]);
  const cursors = useSyncExternalStore(book.subscribe, book.cursors);
  const layer = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const placeAll = (): void => {
      for (const cursor of cursors) if (layer.current) place(layer.current, cursor);
    };
    placeAll();
    addEventListener("resize", placeAll);
    addEventListener("scroll", placeAll, { passive: true });
    return () => {
      removeEventListener("resize", placeAll);
      removeEventListener("scroll", placeAll);
    };
  });
  return (
    <div className="cursors" ref={layer} aria-hidden="true">
      {cursors.map(({ id, person }) => (
        <div key={id} className="cursor" data-cursor={id} style={hue(person)}>
          <svg viewBox="0 0 20 20" aria-hidden="true">
            <path d="M3 2l14 7.2-6.2 1.7L8 17z" />
          </svg>
          <span>{person.name}</span>
        </div>
      ))}
    </div>
  );
}

/** Moves a cursor to the same part of the page that it is over in the other window, whatever the layout is here. */
function place(layer: HTMLElement, { id, at }: CursorMessage): void {
  const cursor = layer.querySelector<HTMLElement>(`[data-cursor="${CSS.escape(id)}"]`);
  const anchor = at && document.querySelector(`[data-anchor="${CSS.escape(at.anchor)}"]`);
  if (cursor === null) return;
  cursor.hidden = !anchor;
  if (!anchor || at === undefined) return;
  const area = anchor.getBoundingClientRect();
  const x = area.left + at.x * area.width;
  const y = area.top + at.y * area.height;
  cursor.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
}
