// @vitest-environment happy-dom
import type { DKV } from "@conat/conat";
import { screen, waitFor } from "@testing-library/react";
import type { ReactElement } from "react";
import { describe, expect, it } from "vitest";
import { TestApp } from "./test-kit/test-app.tsx";
import { type UseDKV, useDKV } from "./use-dkv.ts";
import { type UseSaved, useSaved } from "./use-saved.ts";

const app = TestApp.setUp();

interface SavedProps {
  readonly noAutosave?: boolean;
  readonly ephemeral?: boolean;
  readonly timeoutMs?: number;
}

let store: UseDKV<number> | undefined;
let states: UseSaved["state"][] = [];

function Saved(props: SavedProps): ReactElement {
  const options = { project_id: app.project_id, name: "saved", ...props };
  store = useDKV<number>(options);
  const { state, durability, pending, failed } = useSaved(options);
  if (states.at(-1) !== state) states.push(state);
  return <p>{`${store.status}, ${state}, ${durability}, ${pending} pending, ${failed} failed`}</p>;
}

function openStore(): DKV<number> {
  if (store?.store === undefined) throw new Error("the store is not open");
  return store.store;
}

describe("whether everything is saved", () => {
  it("goes from saved over saving to saved, with what that is worth", async () => {
    states = [];
    app.show(<Saved />);
    await screen.findByText("live, saved, os, 0 pending, 0 failed");
    store?.set("a", 1);
    await screen.findByText("live, saved, os, 0 pending, 0 failed");
    await waitFor(() => expect(states).toEqual(["saved", "saving", "saved"]));
  });

  it("says so when saved means: in the server's memory", async () => {
    app.show(<Saved ephemeral />);
    await screen.findByText("live, saved, memory, 0 pending, 0 failed");
  });

  it("is unsaved while writes wait for the store to open, or for save()", async () => {
    app.show(<Saved noAutosave />);
    store?.set("early", 1);
    await screen.findByText("loading, unsaved, unknown, 1 pending, 0 failed");
    await screen.findByText("live, unsaved, os, 1 pending, 0 failed");
    await openStore().save();
    await screen.findByText("live, saved, os, 0 pending, 0 failed");
  });

  it("is unsaved after a write was refused, until it is retried or discarded", async () => {
    const theirs = await app.openElsewhere<number>("saved");
    await theirs.set("a", 1).settled();
    app.show(<Saved />);
    await screen.findByText("live, saved, os, 0 pending, 0 failed");
    store?.set("a", 2, { ifSeq: 0 });
    await screen.findByText("live, unsaved, os, 0 pending, 1 failed");
    openStore().writes()[0]?.discard();
    await screen.findByText("live, saved, os, 0 pending, 0 failed");
  });

  it("is unsaved while the hub is away, and saved when it is back", async () => {
    app.show(<Saved />);
    await screen.findByText("live, saved, os, 0 pending, 0 failed");
    await app.hub.stop();
    try {
      await waitFor(() => expect(store?.status).toBe("stale"));
      store?.set("a", 1);
      await screen.findByText("stale, unsaved, os, 1 pending, 0 failed");
    } finally {
      await app.hub.start();
    }
    await screen.findByText("live, saved, os, 0 pending, 0 failed");
  });
});
