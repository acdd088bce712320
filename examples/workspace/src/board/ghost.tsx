import { type ReactElement, useLayoutEffect, useRef } from "react";
import type { Card } from "../model/stores.ts";
import { Avatar } from "../people/avatar.tsx";
import { hue } from "../people/looks.ts";
import type { Dragged } from "./use-card-drag.ts";

export interface GhostProps {
  readonly dragged: Dragged;
  readonly card: Card | undefined;
}

/** The card at the pointer while it is dragged. */
export function Ghost({ dragged, card }: GhostProps): ReactElement | null {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { width, x, y } = dragged;
    if (element.current === null) return;
    element.current.style.width = `${width}px`;
    element.current.style.transform = `translate(${x}px, ${y}px) rotate(1.5deg)`;
  }, [dragged]);
  if (card === undefined) return null;
  return (
    <div ref={element} className="card ghost" style={hue(card.by)} aria-hidden="true">
      <span className="title">{card.title}</span>
      <Avatar person={card.by} />
    </div>
  );
}
