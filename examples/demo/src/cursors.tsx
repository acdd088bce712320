import { usePubSub } from "@conat/frontend-hooks";
import {
  type ReactElement,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { hue } from "./hue.ts";
import { HEARTBEAT_MS, type People } from "./people.ts";
import { ANCHORS, type CursorMessage, cursorTopic, type Person } from "./stores.ts";

export interface CursorsProps {
  readonly me: Person;
  readonly people: People;
  readonly project: string;
  readonly windowId: string;
}

/** Tells where this window's pointer is, and shows those of the others. */
export function Cursors({ me, people, project, windowId }: CursorsProps): ReactElement {
  const { set } = usePubSub<CursorMessage>({ ...cursorTopic(project), throttleMs: 40 }, (message) =>
    people.receive(message, performance.now()),
  );
  useOwnCursor({ id: windowId, person: me, set });
  useEffect(() => {
    const timer = setInterval(() => people.sweep(performance.now()), 1_000);
    return () => clearInterval(timer);
  }, [people]);
  const cursors = useSyncExternalStore(people.subscribe, people.cursors);
  const layer = useRef<HTMLDivElement>(null);
  const [, setLayout] = useState(0);
  useEffect(() => {
    const redraw = (): void => setLayout((count) => count + 1);
    addEventListener("resize", redraw);
    return () => removeEventListener("resize", redraw);
  }, []);
  useLayoutEffect(() => {
    for (const cursor of cursors) if (layer.current) place(layer.current, cursor);
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
  const anchor = at && anchorElement(at.anchor);
  if (cursor === null || at === undefined || !anchor) return;
  const origin = layer.getBoundingClientRect();
  const area = anchor.getBoundingClientRect();
  const x = area.left - origin.left + at.x * area.width;
  const y = area.top - origin.top + at.y * area.height;
  cursor.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
}

function anchorElement(anchor: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`[data-anchor="${CSS.escape(anchor)}"]`);
}

interface OwnCursor {
  readonly id: string;
  readonly person: Person;
  readonly set: (message: CursorMessage) => void;
}

function useOwnCursor({ id, person, set }: OwnCursor): void {
  const at = useRef<CursorMessage["at"]>(undefined);
  useEffect(() => {
    const send = (gone = false): void => {
      try {
        set({ id, person, at: at.current, ...(gone && { gone }) });
      } catch {
        // A channel that was refused or closed shows in the connection light.
      }
    };
    const onMove = (event: PointerEvent): void => {
      at.current = whereIs(event);
      send();
    };
    const onLeave = (): void => {
      at.current = undefined;
      send();
    };
    const onGone = (): void => send(true);
    send();
    const timer = setInterval(send, HEARTBEAT_MS);
    addEventListener("pointermove", onMove);
    addEventListener("pagehide", onGone);
    document.documentElement.addEventListener("pointerleave", onLeave);
    return () => {
      clearInterval(timer);
      removeEventListener("pointermove", onMove);
      removeEventListener("pagehide", onGone);
      document.documentElement.removeEventListener("pointerleave", onLeave);
    };
  }, [id, person, set]);
}

function whereIs(event: PointerEvent): CursorMessage["at"] {
  const over = event.target instanceof Element ? event.target.closest("[data-anchor]") : null;
  const element = over ?? anchorElement("page");
  const anchor = ANCHORS.find((name) => name === element?.getAttribute("data-anchor"));
  if (!element || anchor === undefined) return undefined;
  const area = element.getBoundingClientRect();
  return {
    anchor,
    x: round((event.clientX - area.left) / area.width),
    y: round((event.clientY - area.top) / area.height),
  };
}

function round(fraction: number): number {
  return Math.round(fraction * 10_000) / 10_000;
}
