// @vitest-environment happy-dom
import { DKV } from "@conat/conat";
import { screen, waitFor } from "@testing-library/react";
import { type ReactElement, type ReactNode, Suspense } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Boundary } from "./test-kit/boundary.tsx";
import { countOpen } from "./test-kit/count-open.ts";
import { TestApp } from "./test-kit/test-app.tsx";
import { type UseDKV, useDKV } from "./use-dkv.ts";
import {
  useSuspenseConnectionStatus,
  useSuspenseDKV,
  useSuspenseDKVKey,
  useSuspenseDKVSelector,
  useSuspensePubSub,
  useSuspenseRejectedWrites,
  useSuspenseSaved,
} from "./use-suspense.ts";

const app = TestApp.setUp();

let latest: UseDKV<number> | undefined;
let fallbacks = 0;

interface StoreProps {
  readonly name?: string;
  readonly project?: string;
  readonly throwErrors?: boolean;
}

function Store({ name = "n", project = app.project_id, ...props }: StoreProps): ReactElement {
  latest = useSuspenseDKV<number>({ project_id: project, name, ...props });
  return (
    <p>{`${latest.status} a=${latest.values.get("a")} ${latest.error?.kind ?? "no error"}`}</p>
  );
}

function Rejected({ project }: { readonly project: string }): ReactElement {
  const rejected = useSuspenseRejectedWrites({ project_id: project, name: "n" });
  return <p>{rejected.length} rejected</p>;
}

function Fallback(): ReactElement {
  fallbacks += 1;
  return <p>waiting</p>;
}

let shown: string[] = [];

function All(): ReactElement {
  const options = { project_id: app.project_id, name: "n" };
  const { state: connection } = useSuspenseConnectionStatus();
  const { error } = useSuspensePubSub<number>({ project_id: app.project_id, name: "m" });
  const [a] = useSuspenseDKVKey<number>(options, "a");
  const size = useSuspenseDKVSelector<number, number>(options, (values) => values.size);
  const { state } = useSuspenseSaved<number>(options);
  const rejected = useSuspenseRejectedWrites<number>(options);
  const text = `${connection} ${error?.kind} ${a} ${size} ${state} ${rejected.length}`;
  shown.push(text);
  return <p>{text}</p>;
}

function Both(): ReactElement {
  const { status } = useDKV({ project_id: app.project_id, name: "n" });
  return <p>plain {status}</p>;
}

const suspended = (children: ReactNode): ReactElement => (
  <Boundary>
    <Suspense fallback={<Fallback />}>{children}</Suspense>
  </Boundary>
);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a component that waits for its store", () => {
  it("is shown when it is open, and never again replaced by the fallback: not by a lost connection", async () => {
    const theirs = await app.openElsewhere<number>("n");
    await theirs.set("a", 1).settled();
    app.show(suspended(<Store />));
    expect(screen.getByText("waiting")).toBeDefined();
    await screen.findByText("live a=1 no error");
    fallbacks = 0;
    await app.hub.stop();
    try {
      await screen.findByText("stale a=1 no error");
      latest?.set("a", 2);
      await screen.findByText("stale a=2 no error");
    } finally {
      await app.hub.start();
    }
    await screen.findByText("live a=2 no error");
    expect(fallbacks).toBe(0);
  });

  it("waits again for another store", async () => {
    const [one, two] = await Promise.all([
      app.openElsewhere<number>("one"),
      app.openElsewhere<number>("two"),
    ]);
    await Promise.all([one.set("a", 1).settled(), two.set("a", 2).settled()]);
    const { rerender } = app.show(suspended(<Store name="one" />));
    await screen.findByText("live a=1 no error");
    rerender(app.wrap(suspended(<Store name="two" />)));
    await screen.findByText("live a=2 no error");
  });

  it("goes to the error boundary when the store is refused, or shows why if it wants to", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {}); // React reports what a boundary catches
    const { unmount } = app.show(suspended(<Store project="somebody-elses" />));
    await screen.findByText("caught forbidden");
    unmount();
    app.show(suspended(<Store project="somebody-elses" throwErrors={false} />));
    await screen.findByText("closed a=undefined forbidden");
  });

  it("goes to the error boundary in a tray of a store that is refused, too", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    app.show(suspended(<Rejected project="somebody-elses" />));
    await screen.findByText("caught forbidden");
  });

  it("leaves nothing open when it is taken away while it waits", async () => {
    await app.hub.stop();
    const closed = vi.spyOn(DKV.prototype, "close");
    try {
      const { unmount } = app.show(suspended(<Store />), { graceMs: 0 });
      expect(screen.getByText("waiting")).toBeDefined();
      unmount();
    } finally {
      await app.hub.start();
    }
    await waitFor(() => expect(closed).toHaveBeenCalled());
    await waitFor(async () => expect(await app.hub.metric("conat_connections")).toBe(0));
  });

  it("has it in every other shape: a key, a selection, whether it is saved, what is not, messages, the connection", async () => {
    const theirs = await app.openElsewhere<number>("n");
    await theirs.set("a", 1).settled();
    shown = [];
    app.show(suspended(<All />));
    await screen.findByText("ready undefined 1 1 saved 0");
    // Nothing was ever shown that was not there.
    expect(new Set(shown)).toEqual(new Set(["ready undefined 1 1 saved 0"]));
  });

  it("is left to the browser by a server", () => {
    const html = renderToString(app.wrap(suspended(<Store />)));
    expect(html).toContain("waiting");
  });
});

it("a component that does not wait shares the store with one that does", async () => {
  const client = app.connect();
  const counts = countOpen(client);
  app.show(
    <>
      <Both />
      {suspended(<Store />)}
    </>,
    { client },
  );
  await screen.findByText("live a=undefined no error");
  await screen.findByText("plain live");
  expect(counts.feedsOpened).toBe(1);
});
