// Checked by the compiler, never run: what must infer, and what must not compile.
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { type DKV, dkv } from "../index.ts";

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(..._: Same<A, B> extends true ? [] : [never]): void;

interface Todo {
  title: string;
  done: boolean;
}

export async function typesOfValues(id: string): Promise<void> {
  const todos = await dkv<Todo>({ project_id: "p", name: "todos" });
  same<ReturnType<typeof todos.snapshot>, ReadonlyMap<string, Todo>>();
  const todo = todos.get(id);
  same<typeof todo, Todo | undefined>();
  todos.set(id, { title: "t", done: true });
  // @ts-expect-error a todo has a title
  todos.set(id, { done: true });
  // @ts-expect-error a store needs a name
  await dkv<Todo>({ project_id: "p" });
  todos.on("change", ({ value, prev, own }) => {
    same<typeof value, Todo | undefined>();
    same<typeof prev, Todo | undefined>();
    same<typeof own, boolean>();
  });
  // @ts-expect-error there is no such event
  todos.on("changed", () => {});
  const updated = await todos.update(id, (before) => ({ title: before?.title ?? "", done: true }));
  same<typeof updated, Todo | undefined>();
}

export async function typesOfKeys(): Promise<void> {
  const settings = await dkv<{ a: number; b: string }>({ account_id: "x", name: "settings" });
  const a = settings.get("a");
  const b = settings.get("b");
  same<typeof a, number | undefined>();
  same<typeof b, string | undefined>();
  settings.set("a", 1);
  // @ts-expect-error "a" is a number
  settings.set("a", "one");
  const all = await dkv<Record<string, Todo>>({ account_id: "x", name: "todos" });
  const title = all.get("title");
  same<typeof title, Todo | undefined>();
}

export async function typesOfSchemas(): Promise<void> {
  const schema = z.object({ title: z.string() });
  const store = await dkv({ project_id: "p", name: "n", schema });
  same<typeof store, DKV<{ title: string }>>();
  // @ts-expect-error the schema wants a string
  store.set("k", { title: 1 });
  const byValibot = await dkv({
    project_id: "p",
    name: "n",
    schema: v.object({ title: v.string() }),
  });
  same<typeof byValibot, DKV<{ title: string }>>();
  // @ts-expect-error the schema wants a string
  byValibot.set("k", { title: 1 });
  const byArktype = await dkv({ project_id: "p", name: "n", schema: type({ title: "string" }) });
  same<typeof byArktype, DKV<{ title: string }>>();
  // @ts-expect-error the schema wants a string
  byArktype.set("k", { title: 1 });
  await dkv<Todo>({
    project_id: "p",
    name: "n",
    schema: z.object({ title: z.string(), done: z.boolean() }),
  });
  // @ts-expect-error the schema is of something else
  await dkv<Todo>({ project_id: "p", name: "n", schema: z.number() });
  const lenient = z.object({ title: z.string().optional().default("") });
  const asStored = await dkv({ project_id: "p", name: "n", schema: lenient });
  // Values are not changed, so what has a default may be missing.
  same<ReturnType<typeof asStored.snapshot>, ReadonlyMap<string, { title?: string | undefined }>>();
  const merged = await dkv<number>({
    project_id: "p",
    name: "n",
    merge: ({ local = 0, remote = 0 }) => local + remote,
  });
  same<typeof merged, DKV<number>>();
  // @ts-expect-error merge returns a number or undefined
  await dkv<number>({ project_id: "p", name: "n", merge: () => "text" });
}

export async function typesOfPlainValues(): Promise<void> {
  const untyped = await dkv({ project_id: "p", name: "n" });
  const anything = untyped.get("k");
  same<typeof anything, unknown>();
  const list = await dkv<string[]>({ project_id: "p", name: "n" });
  const first = list.get("length");
  same<typeof first, string[] | undefined>();
}
