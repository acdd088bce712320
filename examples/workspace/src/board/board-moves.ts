import { orderKeyBetween } from "../model/order-key.ts";
import { type Card, COLUMN_TITLES, type ColumnId, type Person } from "../model/stores.ts";
import { type CardPlaces, findCard, type Gap } from "./card-places.ts";

export interface BoardMovesOptions {
  readonly places: CardPlaces;
  readonly me: Person;
  readonly set: (id: string, card: Card) => void;
  /** Tells who cannot see the board what has happened. */
  readonly say: (text: string) => void;
}

/** Puts cards into gaps. Only the card that moves is written. */
export class BoardMoves {
  readonly #options: BoardMovesOptions;

  constructor(options: BoardMovesOptions) {
    this.#options = options;
  }

  move(id: string, { column, index }: Gap): void {
    const { places, me, set, say } = this.#options;
    const found = findCard(places, id);
    if (found === undefined || (found.column === column && found.index === index)) return;
    const { card } = found;
    const order = this.#orderAt({ column, index }, id);
    set(id, { ...card, column, order, by: me, editedAt: Date.now() });
    const others = (places.get(column) ?? []).filter((place) => place.id !== id);
    say(`${card.title}: ${COLUMN_TITLES[column]}, ${index + 1} of ${others.length + 1}`);
  }

  /** Puts a new card at the end of a column. */
  insert(id: string, column: ColumnId, title: string): void {
    const { places, me, set } = this.#options;
    const order = this.#orderAt({ column, index: places.get(column)?.length ?? 0 }, id);
    set(id, { title, column, order, by: me, editedAt: Date.now() });
  }

  #orderAt({ column, index }: Gap, id: string): string {
    const others = (this.#options.places.get(column) ?? []).filter((place) => place.id !== id);
    const before = others[index - 1]?.card.order;
    // Cards that were given one key have no gap between them: the next gap is behind all of them.
    const after = others.slice(index).find(({ card }) => card.order > (before ?? ""));
    return orderKeyBetween(before, after?.card.order);
  }
}
