import { createId } from "../model/create-id.ts";
import { orderKeyBetween } from "../model/order-key.ts";
import { type Card, COLUMNS, type ColumnId, type Person } from "../model/stores.ts";

const EXAMPLES: Readonly<Record<ColumnId, readonly string[]>> = {
  todo: [
    "Open this page in a second window",
    "Drag a card, and watch the other window",
    "Pull the network plug, go on, and put it back",
  ],
  doing: ["Rename a card while somebody else moves it"],
  done: ["Run npm start"],
};

/** Something to move around, by its ids. */
export function exampleCards(by: Person): (readonly [id: string, card: Card])[] {
  const cards: (readonly [string, Card])[] = [];
  for (const column of COLUMNS) {
    let order: string | undefined;
    for (const title of EXAMPLES[column]) {
      order = orderKeyBetween(order, undefined);
      cards.push([createId(), { title, column, order, by, editedAt: Date.now() }]);
    }
  }
  return cards;
}
