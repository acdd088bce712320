// @vitest-environment happy-dom
import { connect } from "@conat/conat";
import { screen, waitFor } from "@testing-library/react";
import type { ReactElement } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Boundary } from "./test-kit/boundary.tsx";
import { countOpen } from "./test-kit/count-open.ts";
import { GRACE_MS, TestApp } from "./test-kit/test-app.tsx";
import { useConat } from "./use-conat.ts";
import { useConnectionStatus } from "./use-connection-status.ts";
import { type UseDKV, useDKV } from "./use-dkv.ts";
import { useDKVKey } from "./use-dkv-key.ts";
import { useDKVSelector } from "./use-dkv-selector.ts";
import { usePubSub } from "./use-pub-sub.ts";
import { useRejectedWrites } from "./use-rejected-writes.ts";
import { useSaved } from "./use-saved.ts";

const app = TestApp.setUp();

let latest: UseDKV<Record<string, number>> | undefined;

interface StoreProps {
  readonly project?: string;
  readonly timeoutMs?: number;
  readonly throwErrors?: boolean;
}

function Store({ project = app.project_id, ...options }: StoreProps): ReactElement {
  latest = useDKV<Record<string, number>>({ project_id: project, name: "numbers", ...options });
  return (
    <p>
      {latest.status}, {latest.error?.kind ?? "no error"}, {latest.values.size} keys
    </p>
  );
}

function Everything(): ReactElement {
  const { project_id } = app;
  const { status } = useDKV<number>({ project_id, name: "numbers" });
  const [a] = useDKVKey<number>({ project_id, name: "numbers" }, "a", 0);
  const { last } = usePubSub<number>({ project_id, name: "ticks" });
  const size = useDKVSelector<number, number>({ project_id, name: "numbers" }, (all) => all.size);
  const saved = useSaved({ project_id, name: "numbers" });
  const rejected = useRejectedWrites();
  const connection = useConnectionStatus();
  if (size + saved.pending + rejected.length > 0) return <p>not empty</p>;
  return <p>{`${status} ${a} ${last?.data} ${connection.state}`}</p>;
}

function Status({ throwErrors }: { readonly throwErrors?: boolean }): ReactElement {
  const client = useConat();
  const { state, error } = useConnectionStatus({ throwErrors });
  return <p>{`${client ? "client" : "no client"}, ${state}, ${error?.kind ?? "no error"}`}</p>;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("mounting and unmounting", () => {
  it("opens one connection under StrictMode's double mount, and closes it after the grace", async () => {
    const token = vi.fn(() => "not looked at in development mode"); // asked once by every client
    const { unmount } = app.show(<Status />, { token });
    await screen.findByText("client, ready, no error");
    expect(token).toHaveBeenCalledTimes(1);
    unmount();
    await waitFor(async () => expect(await app.hub.metric("conat_connections")).toBe(0));
  });

  it("opens one store and one channel for all components, and closes them after the grace", async () => {
    const { unmount } = app.show(
      <>
        <Store />
        <Everything />
        <Everything />
      </>,
    );
    await screen.findByText("live, no error, 0 keys");
    expect(await app.hub.metric("conat_open_feeds")).toBe(1);
    expect(await app.hub.metric("conat_subscriptions")).toBe(1);
    unmount();
    await waitFor(async () => expect(await app.hub.metric("conat_connections")).toBe(0));
  });

  it("keeps a given client open, and one store over unmounting and mounting again at once", async () => {
    const client = app.connect();
    const counts = countOpen(client);
    const { rerender } = app.show(<Store />, { client, graceMs: 60_000 });
    await screen.findByText("live, no error, 0 keys");
    rerender(app.wrap(null, { client, graceMs: 60_000 }));
    rerender(app.wrap(<Store />, { client, graceMs: 60_000 }));
    expect(screen.getByText("live, no error, 0 keys")).toBeDefined();
    expect(counts.feedsOpened).toBe(1);
    expect(client.status.state).toBe("ready");
  });

  it("leaves no listener and no open store after 1,000 mounts", async () => {
    const client = app.connect();
    await client.ready();
    const counts = countOpen(client);
    const live = "live 0 undefined ready";
    const { rerender, unmount } = app.show(<Everything />, { client });
    await screen.findByText(live);
    for (let i = 0; i < 500; i += 1) {
      rerender(app.wrap(null, { client }));
      rerender(app.wrap(<Everything />, { client }));
      expect(screen.getByText(live)).toBeDefined();
    }
    unmount();
    for (let i = 0; i < 500; i += 1) {
      const shown = app.show(<Everything />, { client, graceMs: 0 });
      if (i % 50 === 0) await screen.findByText(live);
      shown.unmount();
    }
    expect(counts.feedsOpened).toBeGreaterThan(0);
    await waitFor(() => expect(counts).toMatchObject({ feeds: 0, listeners: 0 }));
    await waitFor(async () => expect(await app.hub.metric("conat_subscriptions")).toBe(0));
    expect(await app.hub.metric("conat_open_feeds")).toBe(0);
    expect(client.status.state).toBe("ready");
  });

  it("does not cancel a write that is pending when the component goes, opened or not", async () => {
    const theirs = await app.openElsewhere<Record<string, number>>("numbers");
    const first = app.show(<Store />, { graceMs: 0 });
    await screen.findByText("live, no error, 0 keys");
    latest?.set("opened", 1);
    first.unmount();
    const second = app.show(<Store />, { graceMs: 0 });
    latest?.set("loading", 2);
    second.unmount();
    latest?.set("gone", 3);
    await waitFor(() => expect({ ...theirs.get() }).toEqual({ opened: 1, loading: 2, gone: 3 }));
    await waitFor(async () => expect(await app.hub.metric("conat_connections")).toBe(1));
  });

  it("opens nothing while rendering, on the server in particular", async () => {
    const before = await app.hub.metric("conat_connections_total");
    const html = renderToString(
      app.wrap(
        <>
          <Store />
          <Everything />
          <Status />
        </>,
      ),
    );
    expect(html).toContain("loading 0 undefined connecting");
    expect(html).toContain("no client, connecting, no error");
    await new Promise((resolve) => setTimeout(resolve, GRACE_MS));
    expect(await app.hub.metric("conat_connections_total")).toBe(before);
  });
});

describe("what goes wrong", () => {
  it("is a value: a store of somebody else's project is closed, forbidden", async () => {
    app.show(<Store project="somebody-elses" />);
    await screen.findByText("closed, forbidden, 0 keys");
    expect(() => latest?.set("a", 1)).toThrow(/somebody-elses/);
    await expect(latest?.update("a", () => 1)).rejects.toMatchObject({ kind: "forbidden" });
  });

  it("goes to the error boundary if that is asked for, and another try gets another store", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {}); // React reports what a boundary catches
    const shown = app.show(
      <Boundary key="1">
        <Store project="somebody-elses" throwErrors />
      </Boundary>,
    );
    await screen.findByText("caught forbidden");
    shown.rerender(
      app.wrap(
        <Boundary key="2">
          <Store throwErrors />
        </Boundary>,
      ),
    );
    await screen.findByText("live, no error, 0 keys");
    shown.rerender(
      app.wrap(
        <Boundary key="3">
          <Store project="somebody-elses" />
        </Boundary>,
        { throwErrors: true },
      ),
    );
    await screen.findByText("caught forbidden");
  });

  it("is a value when a write was refused, until the next write", async () => {
    const theirs = await app.openElsewhere<Record<string, number>>("numbers");
    await theirs.set("a", 1).settled();
    app.show(<Store />);
    await screen.findByText("live, no error, 1 keys");
    latest?.set("a", 2, { ifSeq: 0 });
    await screen.findByText("live, conflict, 1 keys");
    expect(latest?.values.get("a")).toBe(1);
    latest?.set("a", 3);
    await screen.findByText("live, no error, 1 keys");
  });

  it("is thrown to the caller when a write is bad, and a value when it had to wait for the store", async () => {
    const unserialisable = (() => 1) as unknown as number;
    app.show(<Store />);
    latest?.set("a", unserialisable);
    await screen.findByText("live, not-serialisable, 0 keys");
    expect(() => latest?.set("a", unserialisable)).toThrow(/function/);
  });

  it("is a value when the address is unusable", async () => {
    app.show(
      <>
        <Store />
        <Status />
      </>,
      { address: "gopher://nowhere" },
    );
    await screen.findByText("closed, bad-address, 0 keys");
    await screen.findByText("no client, refused, bad-address");
  });

  it("goes to the error boundary when the connection is refused, only if the hook asks for it", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    app.show(
      <>
        <Status />
        <Boundary>
          <Status throwErrors />
        </Boundary>
      </>,
      { address: "gopher://nowhere", throwErrors: true },
    );
    await screen.findByText("no client, refused, bad-address");
    await screen.findByText("caught bad-address");
  });

  it("is over when the hub comes back: a store that could not be opened in time opens then", async () => {
    await app.hub.stop();
    try {
      app.show(<Store timeoutMs={100} />);
      await screen.findByText("loading, timeout, 0 keys");
    } finally {
      await app.hub.start();
    }
    await screen.findByText("live, no error, 0 keys");
  });
});

it("a hook outside of a provider says what to do", () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  expect(() => renderToString(<Status />)).toThrow("<ConatProvider>");
});

it("a client that was given is not closed with the provider", async () => {
  const client = connect({ address: app.hub.url, identity: app.identity });
  const { unmount } = app.show(<Status />, { client, graceMs: 0 });
  await screen.findByText("client, ready, no error");
  unmount();
  await new Promise((resolve) => setTimeout(resolve, GRACE_MS));
  expect(client.status.state).toBe("ready");
  await client.close();
});
