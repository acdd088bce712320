import { useEffect } from "react";
import type { CursorMessage, Person } from "../model/stores.ts";

export interface OwnCursor {
  readonly id: string;
  readonly person: Person;
  readonly set: (message: CursorMessage) => void;
}

/** Sends where the pointer is, as long as it moves. */
export function useOwnCursor({ id, person, set }: OwnCursor): void {
  useEffect(() => {
    const send = (at: CursorMessage["at"]): void => {
      try {
        set({ id, person, ...(at && { at }) });
      } catch {
        // A channel that was refused or has ended: the project says so.
      }
    };
    const onMove = (event: PointerEvent): void => send(whereIs(event));
    const onLeave = (): void => send(undefined);
    const root = document.documentElement;
    addEventListener("pointermove", onMove);
    addEventListener("pagehide", onLeave);
    root.addEventListener("pointerleave", onLeave);
    return () => {
      removeEventListener("pointermove", onMove);
      removeEventListener("pagehide", onLeave);
      root.removeEventListener("pointerleave", onLeave);
      onLeave();
    };
  }, [id, person, set]);
}

function whereIs(event: PointerEvent): CursorMessage["at"] {
  const over = event.target instanceof Element ? event.target.closest("[data-anchor]") : null;
  const element = over ?? document.querySelector('[data-anchor="page"]');
  const anchor = element?.getAttribute("data-anchor");
  if (!element || !anchor) return undefined;
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
