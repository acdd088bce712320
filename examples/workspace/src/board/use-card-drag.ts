import {
  type PointerEvent as ReactPointerEvent,
  useCallback,
  useEffect,
  useRef,
  useState,
} from "react";
import { COLUMNS } from "../model/stores.ts";
import type { Gap } from "./card-places.ts";

/** A pointer that moves less than this has clicked, in pixels. */
const SLACK = 5;

/** The card that is held, and where its copy is, in pixels of the window. */
export interface Dragged {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface CardDrag {
  readonly dragged: Dragged | undefined;
  /** The gap it would fall into. */
  readonly over: Gap | undefined;
  readonly onPointerDown: (event: ReactPointerEvent, id: string) => void;
}

/** Dragging with a mouse or pen anywhere on a card; with a finger, which otherwise scrolls, at its grip. */
export function useCardDrag(onDrop: (id: string, gap: Gap) => void): CardDrag {
  const [held, setHeld] = useState<{ readonly dragged: Dragged; readonly over: Gap | undefined }>();
  const drop = useRef(onDrop);
  const cancel = useRef<(() => void) | undefined>(undefined);
  useEffect(() => {
    drop.current = onDrop;
  });
  useEffect(() => () => cancel.current?.(), []);
  const onPointerDown = useCallback((down: ReactPointerEvent, id: string) => {
    const at = (selector: string): boolean =>
      down.target instanceof Element && down.target.closest(selector) !== null;
    const isFree = down.pointerType === "touch" ? at(".grip") : !at(".remove");
    if (down.button !== 0 || !isFree) return;
    const box = down.currentTarget.getBoundingClientRect();
    const { clientX: startX, clientY: startY } = down;
    let over: Gap | undefined;
    let isDragging = false;
    const stop = new AbortController();
    const { signal } = stop;
    const finish = (isDropped: boolean): void => {
      stop.abort();
      cancel.current = undefined;
      if (!isDragging) return;
      document.documentElement.classList.remove("dragging");
      setHeld(undefined);
      if (isDropped) swallowClick();
      if (isDropped && over !== undefined) drop.current(id, over);
    };
    cancel.current?.();
    cancel.current = () => finish(false);
    const onMove = ({ clientX, clientY }: PointerEvent): void => {
      const [dx, dy] = [clientX - startX, clientY - startY];
      if (!isDragging && Math.hypot(dx, dy) < SLACK) return;
      isDragging = true;
      document.documentElement.classList.add("dragging");
      over = gapAt(clientX, clientY, id);
      const dragged = { id, x: box.left + dx, y: box.top + dy, width: box.width };
      setHeld({ dragged, over });
    };
    addEventListener("pointermove", onMove, { signal });
    addEventListener("pointerup", () => finish(true), { signal });
    addEventListener("pointercancel", () => finish(false), { signal });
    addEventListener("keydown", ({ key }) => key === "Escape" && finish(false), { signal });
  }, []);
  return { dragged: held?.dragged, over: held?.over, onPointerDown };
}

/** The click that ends a drag is none. */
function swallowClick(): void {
  const swallow = (event: MouseEvent): void => event.stopPropagation();
  addEventListener("click", swallow, true);
  setTimeout(() => removeEventListener("click", swallow, true));
}

function gapAt(x: number, y: number, draggedId: string): Gap | undefined {
  for (const area of document.querySelectorAll("[data-column]")) {
    const { left, right, top, bottom } = area.getBoundingClientRect();
    if (x < left || x > right || y < top || y > bottom) continue;
    const column = COLUMNS.find((id) => id === area.getAttribute("data-column"));
    if (column === undefined) continue;
    const middles = Array.from(area.querySelectorAll("[data-card]"))
      .filter((card) => card.getAttribute("data-card") !== draggedId)
      .map((card) => card.getBoundingClientRect())
      .map((box) => box.top + box.height / 2);
    return { column, index: middles.filter((middle) => middle < y).length };
  }
  return undefined;
}
