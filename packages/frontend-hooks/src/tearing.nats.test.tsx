// @vitest-environment happy-dom
import type { DKV } from "@conat/conat";
import { render, screen, waitFor } from "@testing-library/react";
import { type ReactElement, startTransition, useState } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ConatProvider } from "./conat-provider.tsx";
import { TestApp } from "./test-kit/test-app.tsx";
import { useDKVKey } from "./use-dkv-key.ts";
import { useDKVSelector } from "./use-dkv-selector.ts";
import { useDKVState } from "./use-dkv-state.ts";

const app = TestApp.setUp();

const READERS = Array.from({ length: 12 }, (_, at) => at);

/** Longer than React renders in one go before it lets others have a turn, in milliseconds. */
const SLICE_MS = 6;

/** What readers saw while they rendered, in order. */
let seen: (number | undefined)[] = [];
/** Values that were on the page side by side. */
let torn: string[] = [];
let store: DKV<number> | undefined;
let showReaders: (() => void) | undefined;

function Reader({ at }: { readonly at: number }): ReactElement {
  const options = { project_id: app.project_id, name: "n" };
  const [key] = useDKVKey<number>(options, "a");
  const selected = useDKVSelector<number, number | undefined>(options, (all) => all.get("a"));
  seen.push(key);
  const end = performance.now() + SLICE_MS;
  while (performance.now() < end);
  if (at === 2 && store?.get("a") === 0) setImmediate(() => store?.set("a", 1));
  return (
    <>
      <b>{key}</b>
      <b>{selected}</b>
    </>
  );
}

function Page(): ReactElement {
  const [isOpen, setOpen] = useState(false);
  showReaders = () => startTransition(() => setOpen(true));
  store = useDKVState<number>({ project_id: app.project_id, name: "n" }).store;
  return (
    <>
      <p>{store ? "open" : "not open"}</p>
      {isOpen && READERS.map((at) => <Reader key={at} at={at} />)}
    </>
  );
}

function shownValues(): string[] {
  return Array.from(document.querySelectorAll("b"), ({ textContent }) => textContent ?? "");
}

beforeEach(() => {
  seen = [];
  torn = [];
});

afterEach(() => {
  vi.unstubAllGlobals();
});

it("a store that changes while React renders its readers a few at a time is shown as one version of it", async () => {
  const theirs = await app.openElsewhere<number>("n");
  await theirs.set("a", 0).settled();
  const { url } = app.hub;
  render(
    <ConatProvider address={url} identity={app.identity}>
      <Page />
    </ConatProvider>,
  );
  await screen.findByText("open");
  const observer = new MutationObserver(() => {
    const values = shownValues();
    if (new Set(values).size > 1) torn.push(values.join(" "));
  });
  observer.observe(document.body, { subtree: true, childList: true, characterData: true });
  // Inside act() React would render everything in one go.
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", false);
  showReaders?.();
  await waitFor(() => expect(shownValues()).toEqual(READERS.flatMap(() => ["1", "1"])));
  observer.disconnect();
  // It did change in the middle: some had rendered what was there before.
  expect(seen[0]).toBe(0);
  expect(seen.indexOf(1)).toBeGreaterThan(0);
  expect(seen.indexOf(1)).toBeLessThan(READERS.length);
  expect(torn).toEqual([]);
});
