import {
  type FormEvent,
  type KeyboardEvent,
  type PointerEvent,
  type ReactElement,
  useRef,
  useState,
} from "react";
import { type Card, COLUMN_TITLES, type ColumnId, type Person } from "../model/stores.ts";
import { CardItem } from "./card-item.tsx";
import type { CardPlace } from "./card-places.ts";

export interface CardHandlers {
  readonly onEdit: (id: string, card: Card, title: string) => void;
  readonly onDelete: (id: string) => void;
  readonly onKeyDown: (event: KeyboardEvent, id: string) => void;
  readonly onPointerDown: (event: PointerEvent, id: string) => void;
}

export interface ColumnProps extends CardHandlers {
  readonly id: ColumnId;
  readonly cards: readonly CardPlace[];
  readonly me: Person;
  readonly isLoading: boolean;
  /** The gap that a card is held over. */
  readonly dropAt: number | undefined;
  readonly draggedId: string | undefined;
  readonly grabbedId: string | undefined;
  readonly onAdd: (column: ColumnId, title: string) => void;
}

export function Column(props: ColumnProps): ReactElement {
  const { id, cards, isLoading, dropAt, draggedId, grabbedId, onAdd } = props;
  const { me, onEdit, onDelete, onKeyDown, onPointerDown } = props;
  const title = COLUMN_TITLES[id];
  let gap = 0;
  return (
    <section
      className={dropAt === undefined ? "column" : "column over"}
      aria-label={title}
      data-anchor={`column ${id}`}
      data-column={id}
    >
      <h2>
        {title} <span className="count">{cards.length}</span>
      </h2>
      <ul className="cards">
        {cards.map(({ id: cardId, card }) => {
          const isDragged = cardId === draggedId;
          const isMarked = !isDragged && gap === dropAt;
          if (!isDragged) gap += 1;
          return (
            <CardItem
              key={cardId}
              id={cardId}
              card={card}
              me={me}
              isDragged={isDragged}
              isGrabbed={cardId === grabbedId}
              hasDropLine={isMarked}
              onEdit={onEdit}
              onDelete={onDelete}
              onKeyDown={onKeyDown}
              onPointerDown={onPointerDown}
            />
          );
        })}
        {dropAt === gap && <li className="drop-line" aria-hidden="true" />}
        {cards.length === 0 && dropAt === undefined && (
          <li className="empty">{isLoading ? "Loading…" : "Nothing here yet"}</li>
        )}
      </ul>
      <AddCard title={title} onAdd={(text) => onAdd(id, text)} />
    </section>
  );
}

interface AddCardProps {
  readonly title: string;
  readonly onAdd: (title: string) => void;
}

function AddCard({ title, onAdd }: AddCardProps): ReactElement {
  const [text, setText] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    input.current?.focus();
    if (text.trim() === "") return;
    onAdd(text.trim());
    setText("");
  };
  return (
    <form className="add" onSubmit={submit}>
      <input
        ref={input}
        value={text}
        onChange={(event) => setText(event.target.value)}
        placeholder="Add a card"
        aria-label={`Add a card to ${title}`}
        maxLength={300}
      />
      <button type="submit" className="icon" aria-label={`Add to ${title}`} disabled={!text.trim()}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M8 3v10M3 8h10" />
        </svg>
      </button>
    </form>
  );
}
