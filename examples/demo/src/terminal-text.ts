import type { DkvChange } from "@conat/conat";
import { toTodo } from "./from-others.ts";
import { BUILD_STEPS, type Build, type Todo } from "./stores.ts";

/** One change of the to-do list in one line. */
export function describeTodo({ value, prev }: DkvChange<Todo>): string {
  const todo = toTodo(value);
  if (todo === undefined) return `- ${toTodo(prev)?.text ?? "a to-do"}`;
  const mark = todo.done ? "✓" : prev === undefined ? "+" : "·";
  return `${mark} ${todo.text} (${todo.by.name})`;
}

/** The build in one line, the same as long as nothing but its bar has moved. */
export function describeBuild({ state, runner, progress, elapsedMs, stoppedBy }: Build): string {
  const seconds = (elapsedMs / 1000).toFixed(1);
  switch (state) {
    case "running": {
      const step = Math.min(BUILD_STEPS.length - 1, Math.floor(progress * BUILD_STEPS.length));
      return `build: ${runner.name}, ${BUILD_STEPS[step]?.toLowerCase()}`;
    }
    case "done":
      return `build: done in ${seconds} s, by ${runner.name}`;
    case "stopped":
      return `build: stopped after ${seconds} s by ${stoppedBy}`;
  }
}
