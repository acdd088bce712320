// @vitest-environment happy-dom
import { DKV } from "@conat/conat";
import { screen } from "@testing-library/react";
import type { ReactElement } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { TestApp } from "./test-kit/test-app.tsx";
import { useDKV } from "./use-dkv.ts";
import { useDKVSelector } from "./use-dkv-selector.ts";
import type { Values } from "./values-view.ts";

const app = TestApp.setUp();

interface Row {
  readonly n: number;
  readonly done: boolean;
}

interface SelectedProps<Selected> {
  readonly select: (values: Values<Row>) => Selected;
  readonly equal?: (before: Selected, now: Selected) => boolean;
  readonly onRender?: (selected: Selected) => void;
}

function Selected<Selected>({ select, equal, onRender }: SelectedProps<Selected>): ReactElement {
  const options = { project_id: app.project_id, name: "rows" };
  const selected = useDKVSelector<Row, Selected>(options, select, equal);
  onRender?.(selected);
  return <p>{JSON.stringify(selected)}</p>;
}

let latest: Values<Row> | undefined;
function Rows(): ReactElement {
  const { values } = useDKV<Row>({ project_id: app.project_id, name: "rows" });
  latest = values;
  return <p>{`${values.size} rows, ${values.get("row 77")?.n}`}</p>;
}

const countDone = (values: Values<Row>): number => values.count(({ done }) => done);
const isSameList = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((id, at) => id === b[at]);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a component that shows what it makes of a store", () => {
  it("renders again only when that is another value", async () => {
    const theirs = await app.openElsewhere<Row>("rows");
    await theirs.set("a", { n: 1, done: true }).settled();
    let renders = 0;
    app.show(
      <Selected
        select={(values) => countDone(values)}
        onRender={() => {
          renders += 1;
        }}
      />,
    );
    await screen.findByText("1");
    const before = renders;
    for (let n = 0; n < 20; n += 1) await theirs.set(`${n}`, { n, done: false }).settled();
    theirs.set("b", { n: 1, done: true });
    await screen.findByText("2");
    // Two of StrictMode for the one change that mattered.
    expect(renders - before).toBeLessThanOrEqual(2);
  });

  it("keeps a list that is equal to the one it shows, also when it renders for another reason", async () => {
    const theirs = await app.openElsewhere<Row>("rows");
    await theirs.set("a", { n: 1, done: true }).settled();
    const seen: (readonly string[])[] = [];
    const element = (): ReactElement => (
      <Selected
        select={(values) => [...values.filter(({ done }) => done).keys()].sort()}
        equal={isSameList}
        onRender={(ids) => seen.push(ids)}
      />
    );
    const { rerender } = app.show(element());
    await screen.findByText('["a"]');
    const shown = seen.at(-1);
    await theirs.set("b", { n: 2, done: false }).settled();
    rerender(app.wrap(element()));
    expect(seen.at(-1)).toBe(shown);
    theirs.set("b", { n: 2, done: true });
    await screen.findByText('["a","b"]');
  });

  it("uses the selector of its latest render", async () => {
    const theirs = await app.openElsewhere<Row>("rows");
    await theirs.set("a", { n: 7, done: true }).settled();
    const element = (key: string): ReactElement => (
      <Selected select={(values) => values.get(key)?.n ?? "none"} />
    );
    const { rerender } = app.show(element("a"));
    await screen.findByText("7");
    rerender(app.wrap(element("b")));
    expect(screen.getByText('"none"')).toBeDefined();
    theirs.set("b", { n: 8, done: true });
    await screen.findByText("8");
  });
});

it("a change in a store of 10,000 rows costs what has changed, for however many components", async () => {
  const theirs = await app.openElsewhere<Row>("rows");
  for (let n = 0; n < 10_000; n += 500) {
    for (let at = n; at < n + 500; at += 1) theirs.set(`row ${at}`, { n: at, done: false });
    await theirs.save();
  }
  app.show(
    <>
      <Rows />
      <Selected select={countDone} />
    </>,
  );
  await screen.findByText("10000 rows, 77");
  const before = latest;
  const reads = vi.spyOn(DKV.prototype, "get");
  const copies = vi.spyOn(DKV.prototype, "snapshot");
  for (let n = 1; n <= 200; n += 1) theirs.set("row 77", { n: -n, done: true });
  theirs.set("row 78", { n: 0, done: true });
  await screen.findByText("10000 rows, -200");
  await screen.findByText("2");
  expect(copies).not.toHaveBeenCalled();
  expect(reads.mock.calls.length).toBeLessThan(1_000);
  expect(latest?.get("row 5")).toBe(before?.get("row 5"));
  expect(before?.get("row 77")).toEqual({ n: 77, done: false });
});
