import { type KeyboardEvent, memo, type ReactElement, useRef, useState } from "react";
import { hue } from "./hue.ts";
import type { Person, Todo } from "./stores.ts";

export interface TodoItemProps {
  readonly id: string;
  readonly todo: Todo;
  readonly me: Person;
  readonly onChange: (id: string, todo: Todo) => void;
  readonly onDelete: (id: string) => void;
}

/** One row. Rendered again only when its own to-do has: a value is the same object until it changes. */
export const TodoItem = memo(Row, (a, b) => a.todo === b.todo && a.me === b.me);

function Row({ id, todo, me, onChange, onDelete }: TodoItemProps): ReactElement {
  const first = useRef(todo);
  const touchedByOther = todo !== first.current && todo.by.id !== me.id;
  return (
    <li className={todo.done ? "todo done" : "todo"} style={hue(todo.by)}>
      {touchedByOther && <span key={todo.editedAt} className="flash" aria-hidden="true" />}
      <input
        type="checkbox"
        checked={todo.done}
        aria-label={`Done: ${todo.text}`}
        onChange={(event) => onChange(id, { ...todo, done: event.target.checked })}
      />
      <TodoText text={todo.text} onChange={(text) => onChange(id, { ...todo, text })} />
      <span className="by">{todo.by.name}</span>
      <button
        type="button"
        className="icon"
        aria-label={`Delete: ${todo.text}`}
        onClick={() => onDelete(id)}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M4 4l8 8M12 4l-8 8" />
        </svg>
      </button>
    </li>
  );
}

interface TodoTextProps {
  readonly text: string;
  readonly onChange: (text: string) => void;
}

function TodoText({ text, onChange }: TodoTextProps): ReactElement {
  const [draft, setDraft] = useState<string>();
  const finish = (): void => {
    if (draft?.trim() && draft !== text) onChange(draft.trim());
    setDraft(undefined);
  };
  if (draft === undefined) {
    return (
      <button type="button" className="text" title="Edit" onClick={() => setDraft(text)}>
        {text}
      </button>
    );
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Enter") finish();
    if (event.key === "Escape") setDraft(undefined);
  };
  return (
    <input
      className="text"
      value={draft}
      aria-label="Edit to-do"
      ref={(element) => element?.focus()}
      onChange={(event) => setDraft(event.target.value)}
      onBlur={finish}
      onKeyDown={onKeyDown}
      maxLength={500}
    />
  );
}
