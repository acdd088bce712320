import { type StoreOptions, useDKV } from "@conat/frontend-hooks";
import type { ReactElement } from "react";

interface Todo {
  readonly title: string;
  readonly done: boolean;
}

const todosOf = (project_id: string): StoreOptions<Todo> => ({ project_id, name: "todos" });

export function Todos({ project_id }: { readonly project_id: string }): ReactElement {
  const { values, set, delete: remove, status, error } = useDKV(todosOf(project_id));
  if (status === "loading") return <p>Loading…</p>;
  const todos = [...values].sort(([, a], [, b]) => a.title.localeCompare(b.title));
  return (
    <ul>
      {error && <li role="alert">{error.message}</li>}
      {todos.map(([id, todo]) => (
        <li key={id}>
          <label>
            <input
              type="checkbox"
              checked={todo.done}
              onChange={() => set(id, { ...todo, done: !todo.done })}
            />
            {todo.title}
          </label>
          <button type="button" onClick={() => remove(id)}>
            Delete
          </button>
        </li>
      ))}
    </ul>
  );
}
