import { type RefObject, useCallback, useEffect, useState } from "react";

/** Height of a row, in pixels; the style sheet has the same. */
export const ROW_HEIGHT = 32;

/** Rows beyond the edges, so that a scroll shows no gap before React has caught up. */
const OVERSCAN = 6;

/** The rows to render: from `start` up to, but not including, `end`. */
export interface RowWindow {
  readonly start: number;
  readonly end: number;
}

/** Which of many rows a scrolling element shows. */
export function useWindow(
  scroller: RefObject<HTMLElement | null>,
  count: number,
): RowWindow & { readonly onScroll: () => void } {
  const [shown, setShown] = useState<RowWindow>({ start: 0, end: 0 });
  const update = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    const first = Math.floor(element.scrollTop / ROW_HEIGHT);
    const visible = Math.ceil(element.clientHeight / ROW_HEIGHT);
    const start = Math.max(0, Math.min(first - OVERSCAN, count - visible - OVERSCAN));
    const end = Math.min(count, first + visible + OVERSCAN);
    setShown((old) => (old.start === start && old.end === end ? old : { start, end }));
  }, [scroller, count]);
  useEffect(() => {
    update();
    if (scroller.current === null) return;
    const observer = new ResizeObserver(update);
    observer.observe(scroller.current);
    return () => observer.disconnect();
  }, [scroller, update]);
  return { ...shown, onScroll: update };
}
