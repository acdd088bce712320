import { useDKV } from "@conat/frontend-hooks";
import { type FormEvent, type ReactElement, useRef, useState } from "react";
import { toTodo } from "./from-others.ts";
import { Panel } from "./panel.tsx";
import { createId, createTodo, type Person, type Todo, todoStore } from "./stores.ts";
import { TodoItem } from "./todo-item.tsx";

export interface TodoPanelProps {
  readonly me: Person;
  readonly project: string;
}

export function TodoPanel({ me, project }: TodoPanelProps): ReactElement {
  const todos = useDKV<Todo>(todoStore(project));
  const { values, status, error } = todos;
  const rows = [...values]
    .flatMap(([id, value]): (readonly [string, Todo])[] => {
      const todo = toTodo(value);
      return todo === undefined ? [] : [[id, todo]];
    })
    .sort(([, a], [, b]) => b.createdAt - a.createdAt);
  const done = rows.filter(([, todo]) => todo.done);
  const change = (id: string, todo: Todo): void =>
    todos.set(id, { ...todo, by: me, editedAt: Date.now() });
  return (
    <Panel
      title="To-do"
      code={`dkv({ project_id, name: "todos" })`}
      note="kept on disk"
      anchor="todos"
    >
      <AddTodo onAdd={(text) => todos.set(createId(), createTodo(text, me))} />
      {error && <p className="problem">{error.message}</p>}
      <ul className="todos">
        {rows.map(([id, todo]) => (
          <TodoItem
            key={id}
            id={id}
            todo={todo}
            me={me}
            onChange={change}
            onDelete={todos.delete}
          />
        ))}
      </ul>
      {rows.length === 0 && (
        <p className="empty">
          {status === "loading" ? "Opening the store…" : "Nothing to do. Add something above."}
        </p>
      )}
      {rows.length > 0 && (
        <p className="todo-foot">
          <span>
            {done.length} of {rows.length} done
          </span>
          {done.length > 0 && (
            <button
              type="button"
              className="quiet"
              onClick={() => {
                for (const [id] of done) todos.delete(id);
              }}
            >
              Clear done
            </button>
          )}
        </p>
      )}
    </Panel>
  );
}

function AddTodo({ onAdd }: { readonly onAdd: (text: string) => void }): ReactElement {
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
        placeholder="What is to be done?"
        aria-label="New to-do"
        maxLength={500}
      />
      <button type="submit" className="primary">
        Add
      </button>
    </form>
  );
}
