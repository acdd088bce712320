// @vitest-environment happy-dom
import { screen, waitFor } from "@testing-library/react";
import type { ReactElement } from "react";
import { describe, expect, it } from "vitest";
import { TestApp } from "./test-kit/test-app.tsx";
import { type UseDKV, useDKV } from "./use-dkv.ts";

const app = TestApp.setUp();

let latest: UseDKV<Record<string, unknown>> | undefined;

function List({ name = "list" }: { readonly name?: string }): ReactElement {
  latest = useDKV<Record<string, unknown>>({ project_id: app.project_id, name });
  const shown = [...latest.values].map(([key, value]) => `${key}=${JSON.stringify(value)}`).sort();
  return (
    <p>
      {latest.status}: {shown.join(" ")}
    </p>
  );
}

describe("a component that shows a whole store", () => {
  it("shows what is stored, and what others and it itself change", async () => {
    const theirs = await app.openElsewhere<Record<string, unknown>>("list");
    await theirs.set("a", 1).settled();
    app.show(<List />);
    expect(screen.getByText("loading:")).toBeDefined();
    await screen.findByText("live: a=1");
    theirs.set("b", 2);
    await screen.findByText("live: a=1 b=2");
    latest?.set("a", 3);
    await screen.findByText("live: a=3 b=2");
    await waitFor(() => expect(theirs.get("a")).toBe(3));
    latest?.delete("b");
    await screen.findByText("live: a=3");
    await latest?.update("a", (value) => Number(value) + 1);
    await screen.findByText("live: a=4");
    await waitFor(() => expect(theirs.get("a")).toBe(4));
  });

  it("can write before the store is open, in order", async () => {
    const theirs = await app.openElsewhere<Record<string, unknown>>("list");
    app.show(<List />);
    expect(latest?.status).toBe("loading");
    latest?.set("a", 1);
    latest?.set("b", 1);
    latest?.delete("a");
    const updated = latest?.update("b", (value) => Number(value) + 1);
    await screen.findByText("live: b=2");
    expect(await updated).toBe(2);
    await waitFor(() => expect(Object.entries(theirs.get())).toEqual([["b", 2]]));
  });

  it("shows another store when its options change, and the same when only their object does", async () => {
    const [one, two] = await Promise.all([
      app.openElsewhere<Record<string, unknown>>("one"),
      app.openElsewhere<Record<string, unknown>>("two"),
    ]);
    await Promise.all([one.set("k", 1).settled(), two.set("k", 2).settled()]);
    const { rerender } = app.show(<List name="one" />);
    await screen.findByText("live: k=1");
    const before = latest;
    rerender(app.wrap(<List name="one" />));
    expect(latest).toBe(before);
    rerender(app.wrap(<List name="two" />));
    await screen.findByText("live: k=2");
    expect(latest?.set).not.toBe(before?.set);
  });

  it("gets every value as the same object until it changes itself", async () => {
    const theirs = await app.openElsewhere<Record<string, unknown>>("list");
    await Promise.all([theirs.set("a", { n: 1 }).settled(), theirs.set("b", { n: 2 }).settled()]);
    app.show(<List />);
    await screen.findByText('live: a={"n":1} b={"n":2}');
    const before = latest?.values.get("a");
    theirs.set("b", { n: 3 });
    await screen.findByText('live: a={"n":1} b={"n":3}');
    expect(latest?.values.get("a")).toBe(before);
    expect(latest?.store?.get("a")).toBe(before);
  });
});
