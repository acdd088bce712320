import { useDKVSelector } from "@conat/frontend-hooks";
import type { ReactElement } from "react";

interface Todo {
  readonly title: string;
  readonly done: boolean;
}

export function OpenTodos({ project_id }: { readonly project_id: string }): ReactElement {
  const open = useDKVSelector<Todo, number>({ project_id, name: "todos" }, (todos) =>
    todos.count(({ done }) => !done),
  );
  return <p>{open === 0 ? "All done" : `${open} to do`}</p>;
}
