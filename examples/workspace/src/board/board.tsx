import type { DKV } from "@conat/conat";
import { useDKV } from "@conat/frontend-hooks";
import { type ReactElement, useMemo, useState } from "react";
import { useWatched } from "../health/use-watched.ts";
import { createId } from "../model/create-id.ts";
import { type Card, COLUMNS, type ColumnId, cardStore, type Person } from "../model/stores.ts";
import { BoardMoves } from "./board-moves.ts";
import { type CardPlace, placeCards } from "./card-places.ts";
import { Column } from "./column.tsx";
import { exampleCards } from "./example-cards.ts";
import { Ghost } from "./ghost.tsx";
import { useCardDrag } from "./use-card-drag.ts";
import { useCardKeys } from "./use-card-keys.ts";
import { Welcome } from "./welcome.tsx";

export interface BoardProps {
  readonly me: Person;
  readonly projectId: string;
  readonly canEdit: boolean;
}

export function Board({ me, projectId, canEdit }: BoardProps): ReactElement {
  const cards = useDKV(cardStore(projectId));
  const { values, status, store } = cards;
  useWatched(store as DKV | undefined, { label: "Board" });
  const places = useMemo(() => placeCards(values), [values]);
  const [said, say] = useState("");
  const moves = new BoardMoves({ places, me, set: cards.set, say });
  const drag = useCardDrag((id, place) => moves.move(id, place));
  const keys = useCardKeys({ places, moves, remove: cards.delete, say });
  const edit = (id: string, card: Card, title: string): void =>
    cards.set(id, { ...card, title, by: me, editedAt: Date.now() });
  const add = (column: ColumnId, title: string): void => {
    moves.insert(createId(), column, title);
  };
  const fill = (): void => {
    for (const [id, card] of exampleCards(me)) cards.set(id, card);
  };
  return (
    <div className="board-area">
      <p className="visually-hidden" id="card-help">
        Enter edits, Space picks up and puts down, the arrow keys move, Delete removes.
      </p>
      <p className="visually-hidden" aria-live="assertive">
        {said}
      </p>
      <div className="board" aria-busy={status === "loading"}>
        {COLUMNS.map((column) => (
          <Column
            key={column}
            id={column}
            cards={places.get(column) ?? NOTHING}
            me={me}
            isLoading={status === "loading"}
            dropAt={drag.over?.column === column ? drag.over.index : undefined}
            draggedId={drag.dragged?.id}
            grabbedId={keys.grabbedId}
            onAdd={add}
            onEdit={edit}
            onDelete={cards.delete}
            onKeyDown={keys.onKeyDown}
            onPointerDown={drag.onPointerDown}
          />
        ))}
      </div>
      {canEdit && status === "live" && values.size === 0 && <Welcome onFill={fill} />}
      {drag.dragged && <Ghost dragged={drag.dragged} card={values.get(drag.dragged.id)} />}
    </div>
  );
}

const NOTHING: readonly CardPlace[] = [];
