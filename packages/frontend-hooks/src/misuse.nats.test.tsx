// @vitest-environment happy-dom
import { screen, waitFor } from "@testing-library/react";
import { type ReactElement, useEffect } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Boundary } from "./test-kit/boundary.tsx";
import { countOpen } from "./test-kit/count-open.ts";
import { TestApp } from "./test-kit/test-app.tsx";
import { useDKV } from "./use-dkv.ts";
import { useDKVKey } from "./use-dkv-key.ts";
import { useDKVSelector } from "./use-dkv-selector.ts";

const app = TestApp.setUp();

let renders = 0;

function Size(): ReactElement {
  const { values } = useDKV<number>({ project_id: app.project_id, name: "n" });
  return <p>{values.size} keys</p>;
}

/** Cannot bear more than one key. */
function Fragile(): ReactElement {
  const size = useDKVSelector<number, number>({ project_id: app.project_id, name: "n" }, (all) => {
    if (all.size > 1) throw new Error("too many");
    return all.size;
  });
  return <p>fragile {size}</p>;
}

/** A new object every time, which equals nothing. */
function NeverEqual(): ReactElement {
  renders += 1;
  const { size } = useDKVSelector<number, { size: number }>(
    { project_id: app.project_id, name: "n" },
    (all) => ({ size: all.size }),
    () => false,
  );
  return <p>never equal {size}</p>;
}

/** Corrects the value while it renders. */
function Corrector(): ReactElement {
  renders += 1;
  const [value, set] = useDKVKey<number>({ project_id: app.project_id, name: "n" }, "a");
  if (value !== 5) set(5);
  return <p>corrected to {value}</p>;
}

/** Writes to whichever store it shows. */
function Switched({ to }: { readonly to: number }): ReactElement {
  const { status, values, set } = useDKV<number>({
    project_id: app.project_id,
    name: `store ${to}`,
  });
  useEffect(() => set("mine", to), [set, to]);
  return <p>{`${status}: ${values.get("mine")}`}</p>;
}

/** Everything about its options is new in every render, but what they say. */
function Inline(): ReactElement {
  renders += 1;
  const { status } = useDKV<number>({
    name: ["n"].join(""),
    project_id: app.project_id,
    merge: ({ local, remote }) => local ?? remote,
    ephemeral: false,
  });
  return <p>inline {status}</p>;
}

afterEach(() => {
  vi.restoreAllMocks();
  renders = 0;
});

describe("a component that is written without care", () => {
  it("whose selector throws meets its own error boundary, and no other reader", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {}); // React reports what a boundary catches
    const theirs = await app.openElsewhere<number>("n");
    app.show(
      <>
        <Boundary>
          <Fragile />
        </Boundary>
        <Size />
      </>,
    );
    theirs.set("a", 1);
    await screen.findByText("fragile 1");
    theirs.set("b", 1);
    await screen.findByText("caught too many");
    await screen.findByText("2 keys");
    theirs.set("c", 1);
    await screen.findByText("3 keys");
  });

  it("whose selection never equals itself renders once for each change, not for ever", async () => {
    const theirs = await app.openElsewhere<number>("n");
    app.show(
      <>
        <NeverEqual />
        <Size />
      </>,
    );
    await theirs.set("a", 1).settled();
    await screen.findByText("never equal 1");
    const before = renders;
    theirs.set("b", 1);
    await screen.findByText("never equal 2");
    await screen.findByText("2 keys");
    expect(renders).toBe(before + 2); // StrictMode renders twice
  });

  it("that sets while it renders comes to an end, and its value is stored", async () => {
    const theirs = await app.openElsewhere<number>("n");
    app.show(<Corrector />);
    await screen.findByText("corrected to 5");
    await waitFor(() => expect(theirs.get("a")).toBe(5));
    expect(renders).toBeLessThan(20);
  });

  it("that goes through many stores quickly leaves one open, and what it wrote to each stored", async () => {
    const client = app.connect();
    const counts = countOpen(client);
    const { rerender } = app.show(<Switched to={0} />, { client });
    for (let to = 1; to <= 50; to += 1) rerender(app.wrap(<Switched to={to} />, { client }));
    await screen.findByText("live: 50");
    await waitFor(() => expect(counts.feeds).toBe(1));
    for (const to of [0, 25, 49]) {
      const theirs = await app.openElsewhere<number>(`store ${to}`);
      expect(theirs.get("mine")).toBe(to);
    }
  });

  it("whose options are other objects and functions every time opens one store", async () => {
    const client = app.connect();
    const counts = countOpen(client);
    const { rerender } = app.show(<Inline />, { client });
    await screen.findByText("inline live");
    for (let times = 0; times < 10; times += 1) rerender(app.wrap(<Inline />, { client }));
    expect(renders).toBeGreaterThanOrEqual(20);
    expect(counts.feedsOpened).toBe(1);
  });
});
