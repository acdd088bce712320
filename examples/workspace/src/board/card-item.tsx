import { type KeyboardEvent, memo, type ReactElement, useEffect, useRef, useState } from "react";
import type { Card, Person } from "../model/stores.ts";
import { Avatar } from "../people/avatar.tsx";
import { hue } from "../people/looks.ts";
import type { CardHandlers } from "./column.tsx";

export interface CardItemProps extends CardHandlers {
  readonly id: string;
  readonly card: Card;
  readonly me: Person;
  readonly isDragged: boolean;
  readonly isGrabbed: boolean;
  readonly hasDropLine: boolean;
}

/** Rendered again only when its own card has changed: a value is the same object until it does. */
export const CardItem = memo(
  CardRow,
  (a, b) =>
    a.card === b.card &&
    a.me === b.me &&
    a.isDragged === b.isDragged &&
    a.isGrabbed === b.isGrabbed &&
    a.hasDropLine === b.hasDropLine,
);

function CardRow(props: CardItemProps): ReactElement {
  const { id, card, me, isDragged, isGrabbed, hasDropLine } = props;
  const { onEdit, onDelete, onKeyDown, onPointerDown } = props;
  const first = useRef(card);
  const [isEditing, setEditing] = useState(false);
  const title = useRef<HTMLButtonElement>(null);
  // Who works with the keyboard goes on from where the input was.
  const wantsFocus = useRef(false);
  useEffect(() => {
    if (!isEditing && wantsFocus.current) title.current?.focus();
    wantsFocus.current = false;
  }, [isEditing]);
  const touchedByOther = card !== first.current && card.by.id !== me.id;
  const look = ["card", isDragged && "dragged", isGrabbed && "grabbed"].filter(Boolean).join(" ");
  return (
    <>
      {hasDropLine && <li className="drop-line" aria-hidden="true" />}
      <li
        className={look}
        style={hue(card.by)}
        data-card={id}
        onPointerDown={isEditing ? undefined : (event) => onPointerDown(event, id)}
      >
        {touchedByOther && <span key={card.editedAt} className="flash" aria-hidden="true" />}
        <Grip />
        {isEditing ? (
          <TitleInput
            title={card.title}
            onDone={(text, byKey) => {
              setEditing(false);
              wantsFocus.current = byKey;
              if (text !== undefined) onEdit(id, card, text);
            }}
          />
        ) : (
          <button
            ref={title}
            type="button"
            className="title"
            aria-describedby="card-help"
            aria-pressed={isGrabbed}
            onClick={() => setEditing(true)}
            onKeyDown={(event) => onKeyDown(event, id)}
            onKeyUp={(event) => event.key === " " && event.preventDefault()}
          >
            {card.title}
          </button>
        )}
        <Avatar person={card.by} title={`${card.by.name} touched it last`} />
        <button
          type="button"
          className="icon remove"
          aria-label={`Delete ${card.title}`}
          onClick={() => onDelete(id)}
        >
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M4 4l8 8M12 4l-8 8" />
          </svg>
        </button>
      </li>
    </>
  );
}

/** Where a finger takes hold. */
function Grip(): ReactElement {
  return (
    <svg className="grip" viewBox="0 0 16 16" aria-hidden="true">
      <path d="M6 4v.01M6 8v.01M6 12v.01M10 4v.01M10 8v.01M10 12v.01" />
    </svg>
  );
}

interface TitleInputProps {
  readonly title: string;
  /** With the new title, or with nothing when it stays. */
  readonly onDone: (title: string | undefined, byKey: boolean) => void;
}

function TitleInput({ title, onDone }: TitleInputProps): ReactElement {
  const [draft, setDraft] = useState(title);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.select(), []);
  const isOver = useRef(false);
  const finish = (text: string, byKey: boolean): void => {
    // An input that goes away loses the focus, too.
    if (isOver.current) return;
    isOver.current = true;
    onDone(text === "" || text === title ? undefined : text, byKey);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    // The rest of an Enter would press the button that takes the input's place.
    event.preventDefault();
    finish(event.key === "Enter" ? draft.trim() : title, true);
  };
  return (
    <input
      ref={input}
      className="title"
      value={draft}
      aria-label="Title"
      onChange={(event) => setDraft(event.target.value)}
      onBlur={() => finish(draft.trim(), false)}
      onKeyDown={onKeyDown}
      maxLength={300}
    />
  );
}
