// Checked by the compiler, never run.
import type { MergeArguments } from "@conat/conat";
import { expectTypeOf } from "vitest";
import type { StoreOptions, UseSaved, Values } from "./index.ts";
import {
  useDKV,
  useDKVKey,
  useDKVSelector,
  usePubSub,
  useRejectedWrites,
  useSaved,
  useSuspenseDKVKey,
} from "./index.ts";

interface Settings {
  readonly theme: "light" | "dark";
  readonly size: number;
}

interface Todo {
  readonly text: string;
  readonly done: boolean;
}

const todosOptions: StoreOptions<Todo> = { project_id: "p", name: "todos" };
const settings: StoreOptions<Settings> = { account_id: "a", name: "settings" };

export function Types(): void {
  // A key has the type that it has in the store that the options are declared to name.
  const [theme, setTheme] = useDKVKey(settings, "theme");
  expectTypeOf(theme).toEqualTypeOf<"light" | "dark" | undefined>();
  setTheme("dark");
  setTheme(undefined);
  setTheme((present) => (present === "dark" ? "light" : "dark"));
  // @ts-expect-error no such theme
  setTheme("pink");
  // @ts-expect-error a theme is no number
  setTheme(() => 1);

  // With an initial value there is always one.
  const [size, setSize] = useDKVKey(settings, "size", 12);
  expectTypeOf(size).toEqualTypeOf<number>();
  setSize((present) => present + 1);
  // @ts-expect-error a size is a number
  useDKVKey(settings, "size", "large");

  // A store of one type under any key.
  const [todo] = useDKVKey<Todo>({ project_id: "p", name: "todos" }, "some id");
  expectTypeOf(todo).toEqualTypeOf<Todo | undefined>();
  const todos = useDKV<Todo>({ project_id: "p", name: "todos" });
  expectTypeOf(todos.values).toEqualTypeOf<Values<Todo>>();
  expectTypeOf(todos.store?.get("some id")).toEqualTypeOf<Todo | undefined>();
  todos.set("some id", { text: "", done: false });
  // @ts-expect-error no text
  todos.set("some id", { done: false });

  // The type of the store also comes from what decides or validates.
  const merged = useDKV({
    project_id: "p",
    name: "n",
    merge: ({ local }: MergeArguments<Todo>) => local,
  });
  expectTypeOf(merged.values).toEqualTypeOf<Values<Todo>>();

  // A selector sees the values of the store, and the hook gives what it returns.
  const open = useDKVSelector(todosOptions, (values) => values.count(({ done }) => !done));
  expectTypeOf(open).toEqualTypeOf<number>();
  // @ts-expect-error a todo has no such property
  useDKVSelector(todosOptions, (values) => values.get("some id")?.size);
  expectTypeOf(useSuspenseDKVKey(settings, "size", 12)[0]).toEqualTypeOf<number>();

  const [rejected] = useRejectedWrites(todosOptions);
  expectTypeOf(rejected?.value).toEqualTypeOf<Todo | undefined>();
  expectTypeOf(useSaved(settings).state).toEqualTypeOf<UseSaved["state"]>();

  // The client is the provider's.
  // @ts-expect-error no client here
  useDKV({ project_id: "p", name: "n", client: {} });

  const { last, set } = usePubSub<number>({ project_id: "p", name: "n" }, (data, { own }) => {
    expectTypeOf(data).toEqualTypeOf<number>();
    expectTypeOf(own).toEqualTypeOf<boolean>();
  });
  expectTypeOf(last?.data).toEqualTypeOf<number | undefined>();
  // @ts-expect-error a number is expected
  set("one");
}
