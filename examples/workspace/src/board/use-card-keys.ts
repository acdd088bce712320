import {
  type KeyboardEvent,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { COLUMNS } from "../model/stores.ts";
import type { BoardMoves } from "./board-moves.ts";
import { type CardPlaces, findCard, type Gap } from "./card-places.ts";

export interface CardKeysOptions {
  readonly places: CardPlaces;
  readonly moves: BoardMoves;
  readonly remove: (id: string) => void;
  readonly say: (text: string) => void;
}

export interface CardKeys {
  /** The card that the arrow keys move. */
  readonly grabbedId: string | undefined;
  readonly onKeyDown: (event: KeyboardEvent, id: string) => void;
}

/** Everything that can be done with a card, without a pointer. */
export function useCardKeys(options: CardKeysOptions): CardKeys {
  const [grabbed, setGrabbed] = useState<{ readonly id: string; readonly from: Gap }>();
  const latest = useRef({ ...options, grabbed });
  useEffect(() => {
    latest.current = { ...options, grabbed };
  });
  // A card that has moved to another column is another element there.
  const moved = useRef<string>(undefined);
  useLayoutEffect(() => {
    if (moved.current !== undefined) focusCard(moved.current);
    moved.current = undefined;
  });
  const onKeyDown = useCallback((event: KeyboardEvent, id: string) => {
    const { places, moves, remove, say, grabbed: held } = latest.current;
    const found = findCard(places, id);
    if (found === undefined) return;
    const target = arrowTarget(event.key, found, places);
    if (event.key === " ") {
      setGrabbed(held ? undefined : { id, from: { column: found.column, index: found.index } });
      say(held ? `${found.card.title}: put down` : `${found.card.title}: picked up`);
    } else if (event.key === "Escape" && held) {
      moves.move(id, held.from);
      moved.current = id;
      setGrabbed(undefined);
    } else if (event.key === "Tab") {
      setGrabbed(undefined);
      return;
    } else if (event.key === "Delete") {
      focusNeighbour(found, places);
      remove(id);
    } else if (target !== undefined) {
      if (held) {
        moves.move(id, target);
        moved.current = id;
      } else focusPlace(places, target);
    } else return;
    event.preventDefault();
  }, []);
  return { grabbedId: grabbed?.id, onKeyDown };
}

/** The place that an arrow key means: the next card, or the same height in the next column that has one. */
function arrowTarget(key: string, { column, index }: Gap, places: CardPlaces): Gap | undefined {
  const size = (id: Gap["column"]): number => places.get(id)?.length ?? 0;
  switch (key) {
    case "ArrowUp":
      return { column, index: Math.max(0, index - 1) };
    case "ArrowDown":
      return { column, index: Math.min(size(column) - 1, index + 1) };
    case "ArrowLeft":
    case "ArrowRight": {
      const step = key === "ArrowLeft" ? -1 : 1;
      const next = COLUMNS[COLUMNS.indexOf(column) + step];
      return next && { column: next, index: Math.min(index, size(next)) };
    }
    default:
      return undefined;
  }
}

function focusPlace(places: CardPlaces, { column, index }: Gap): void {
  const list = places.get(column) ?? [];
  const id = (list[index] ?? list.at(-1))?.id;
  if (id !== undefined) focusCard(id);
}

function focusCard(id: string): void {
  const card = document.querySelector(`[data-card="${CSS.escape(id)}"]`);
  card?.querySelector<HTMLElement>("button.title")?.focus();
}

function focusNeighbour({ column, index }: Gap, places: CardPlaces): void {
  const last = (places.get(column)?.length ?? 0) - 1;
  focusPlace(places, { column, index: index < last ? index + 1 : index - 1 });
}
