// @vitest-environment happy-dom

import type { RejectedWrite } from "@conat/conat/actions";
import { screen, waitFor } from "@testing-library/react";
import type { ReactElement } from "react";
import { describe, expect, it } from "vitest";
import { GRACE_MS, TestApp } from "./test-kit/test-app.tsx";
import { type UseDKV, useDKV } from "./use-dkv.ts";
import { useRejectedWrites } from "./use-rejected-writes.ts";

const app = TestApp.setUp();

const stores = new Map<string, UseDKV<number>>();
let tray: readonly RejectedWrite[] = [];
let renders = 0;

function Store({ name }: { readonly name: string }): ReactElement {
  const store = useDKV<number>({ project_id: app.project_id, name });
  stores.set(name, store);
  return <p>{`${name}: ${store.status} ${store.values.get("a")}`}</p>;
}

function Tray({ of }: { readonly of?: string }): ReactElement {
  renders += 1;
  tray = useRejectedWrites(of === undefined ? undefined : { project_id: app.project_id, name: of });
  const shown = tray.map(
    ({ options, key, value, error }) => `${options.name}/${key}=${value} ${error?.kind}`,
  );
  return <p>tray: {shown.join(", ")}</p>;
}

/** Two stores with a value each, both shown, and a tray. */
async function showTray(of?: string): Promise<ReturnType<typeof app.show>> {
  for (const name of ["one", "two"]) {
    const theirs = await app.openElsewhere<number>(name);
    await theirs.set("a", 1).settled();
  }
  const shown = app.show(
    <>
      <Store name="one" />
      <Store name="two" />
      <Tray {...(of === undefined ? {} : { of })} />
    </>,
  );
  await screen.findByText("one: live 1");
  await screen.findByText("two: live 1");
  return shown;
}

/** A write that loses against what is stored. */
function refuse(name: string, value: number): void {
  stores.get(name)?.set("a", value, { ifSeq: 0 });
}

describe("the tray of rejected writes", () => {
  it("shows those of every store, in which a retry writes again and discard lets go", async () => {
    await showTray();
    expect(screen.getByText("tray:")).toBeDefined();
    refuse("one", 5);
    await screen.findByText("tray: one/a=5 conflict");
    refuse("two", 6);
    await screen.findByText("tray: one/a=5 conflict, two/a=6 conflict");
    expect(tray[0]?.retry()).toBe(true);
    await screen.findByText("tray: two/a=6 conflict");
    await screen.findByText("one: live 5");
    expect(tray[0]?.discard()).toBe(true);
    await screen.findByText("tray:");
    await screen.findByText("two: live 1");
  });

  it("shows those of one store", async () => {
    await showTray("two");
    refuse("one", 5);
    refuse("two", 6);
    await screen.findByText("tray: two/a=6 conflict");
  });

  it("is not rendered again by writes that are stored", async () => {
    await showTray();
    refuse("one", 5);
    await screen.findByText("tray: one/a=5 conflict");
    const before = renders;
    for (let n = 0; n < 20; n += 1) stores.get("one")?.set("b", n);
    await waitFor(() => expect(stores.get("one")?.store?.hasUnsavedChanges()).toBe(false));
    expect(renders).toBe(before);
  });

  it("keeps a store open whose component is gone, until its failed writes are dealt with", async () => {
    const { rerender } = await showTray();
    refuse("one", 5);
    await screen.findByText("tray: one/a=5 conflict");
    rerender(app.wrap(<Tray />));
    await new Promise((resolve) => setTimeout(resolve, 2 * GRACE_MS));
    await waitFor(async () => expect(await app.hub.metric("conat_open_feeds")).toBe(3));
    expect(screen.getByText("tray: one/a=5 conflict")).toBeDefined();
    tray[0]?.discard();
    await screen.findByText("tray:");
    // What is left are the two stores of the test itself.
    await waitFor(async () => expect(await app.hub.metric("conat_open_feeds")).toBe(2));
  });
});
