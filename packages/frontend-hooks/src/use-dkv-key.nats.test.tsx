// @vitest-environment happy-dom
import { screen, waitFor } from "@testing-library/react";
import type { ReactElement } from "react";
import { describe, expect, it } from "vitest";
import { TestApp } from "./test-kit/test-app.tsx";
import { type SetKey, useDKVKey } from "./use-dkv-key.ts";

const app = TestApp.setUp();

interface KeyProps {
  readonly name: string;
  readonly initial?: unknown;
  readonly onRender?: (value: unknown, set: SetKey<unknown, unknown>) => void;
}

/** Shows one key of the store "keys". */
function Key({ name, initial, onRender }: KeyProps): ReactElement {
  const options = { project_id: app.project_id, name: "keys" };
  const [value, set] = useDKVKey<Record<string, unknown>>(options, name, initial);
  onRender?.(value, set);
  const shown = value instanceof Date ? `date ${value.getTime()}` : JSON.stringify(value);
  return <p>{`${name}: ${shown}`}</p>;
}

describe("a component that shows one key", () => {
  it("renders again when its key changes, and not when another does", async () => {
    const theirs = await app.openElsewhere<Record<string, unknown>>("keys");
    await theirs.set("b", 1).settled();
    const renders = { a: 0, b: 0 };
    const count = (name: "a" | "b") => () => {
      renders[name] += 1;
    };
    app.show(
      <>
        <Key name="a" onRender={count("a")} />
        <Key name="b" onRender={count("b")} />
      </>,
    );
    await screen.findByText("b: 1");
    const before = { ...renders };
    for (let n = 1; n <= 20; n += 1) {
      theirs.set("a", n);
      await screen.findByText(`a: ${n}`);
    }
    expect(renders.b).toBe(before.b);
    expect(renders.a).toBeGreaterThan(before.a);
  });

  it("sets it as from useState: a value, a function of the present one, or undefined to remove it", async () => {
    const theirs = await app.openElsewhere<Record<string, unknown>>("keys");
    let set: SetKey<unknown, unknown> = () => {};
    app.show(
      <Key
        name="n"
        initial={10}
        onRender={(_, setKey) => {
          set = setKey;
        }}
      />,
    );
    await screen.findByText("n: 10");
    expect(theirs.has("n")).toBe(false);
    set((count: unknown) => Number(count) + 1);
    set((count: unknown) => Number(count) + 1);
    await screen.findByText("n: 12");
    await waitFor(() => expect(theirs.get("n")).toBe(12));
    set(5);
    await screen.findByText("n: 5");
    set(undefined);
    await screen.findByText("n: 10");
    await waitFor(() => expect(theirs.has("n")).toBe(false));
  });

  it("shows null and false as values, and what every object inherits as missing", async () => {
    const theirs = await app.openElsewhere<Record<string, unknown>>("keys");
    await Promise.all([theirs.set("null", null).settled(), theirs.set("no", false).settled()]);
    app.show(
      <>
        <Key name="null" initial="initial" />
        <Key name="no" initial="initial" />
        <Key name="constructor" initial="initial" />
      </>,
    );
    await screen.findByText("null: null");
    await screen.findByText("no: false");
    await screen.findByText('constructor: "initial"');
  });

  it("keeps what the store copies for every reader, such as a date, the same until it changes", async () => {
    const theirs = await app.openElsewhere<Record<string, unknown>>("keys");
    await theirs.set("at", new Date(1)).settled();
    const seen: unknown[] = [];
    const element = <Key name="at" onRender={(value) => seen.push(value)} />;
    const { rerender } = app.show(element);
    await screen.findByText("at: date 1");
    const first = seen.at(-1);
    for (let i = 0; i < 5; i += 1)
      rerender(app.wrap(<Key name="at" onRender={(v) => seen.push(v)} />));
    await theirs.set("other", new Date(9)).settled();
    expect(seen.at(-1)).toBe(first);
    expect(seen.length).toBeLessThan(40);
    theirs.set("at", new Date(2));
    await screen.findByText("at: date 2");
  });

  it("follows when it is given another key", async () => {
    const theirs = await app.openElsewhere<Record<string, unknown>>("keys");
    await Promise.all([theirs.set("a", 1).settled(), theirs.set("b", 2).settled()]);
    const { rerender } = app.show(<Key name="a" />);
    await screen.findByText("a: 1");
    rerender(app.wrap(<Key name="b" />));
    expect(screen.getByText("b: 2")).toBeDefined();
    theirs.set("b", 3);
    await screen.findByText("b: 3");
  });
});
