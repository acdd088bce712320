import { compareOrder } from "../model/order-key.ts";
import { type Card, COLUMNS, type ColumnId } from "../model/stores.ts";

/** A card and its id. */
export interface CardPlace {
  readonly id: string;
  readonly card: Card;
}

export type CardPlaces = ReadonlyMap<ColumnId, readonly CardPlace[]>;

/** A gap between the other cards of a column: before the one that has this index. */
export interface Gap {
  readonly column: ColumnId;
  readonly index: number;
}

/** The cards of each column, from the top. */
export function placeCards(values: ReadonlyMap<string, Card>): CardPlaces {
  const places = new Map(COLUMNS.map((column): [ColumnId, CardPlace[]] => [column, []]));
  for (const [id, card] of values) places.get(card.column)?.push({ id, card });
  for (const list of places.values()) {
    list.sort((a, b) =>
      compareOrder({ id: a.id, order: a.card.order }, { id: b.id, order: b.card.order }),
    );
  }
  return places;
}

/** Where a card is, and its place. */
export function findCard(
  places: CardPlaces,
  id: string,
): (Gap & { readonly card: Card }) | undefined {
  for (const [column, list] of places) {
    const index = list.findIndex((place) => place.id === id);
    const found = list[index];
    if (found !== undefined) return { column, index, card: found.card };
  }
  return undefined;
}
