// @vitest-environment happy-dom
import { type Client, connect } from "@conat/conat";
import { screen, waitFor } from "@testing-library/react";
import { Activity, type ReactElement } from "react";
import { describe, expect, it } from "vitest";
import { ConatProvider } from "./conat-provider.tsx";
import { countOpen } from "./test-kit/count-open.ts";
import { TestApp } from "./test-kit/test-app.tsx";
import { useConat } from "./use-conat.ts";
import { useDKV } from "./use-dkv.ts";

const app = TestApp.setUp();

const seen = new Set<Client>();

function Store(): ReactElement {
  const client = useConat();
  if (client) seen.add(client);
  const { status } = useDKV({ project_id: app.project_id, name: "n" });
  return <p>{status}</p>;
}

interface PageProps {
  /** Another one mounts everything anew, as hot reloading does when a component has other hooks than before. */
  readonly edition: number;
  readonly token: () => string;
}

function Page({ edition, token }: PageProps): ReactElement {
  const { url } = app.hub;
  return (
    <ConatProvider
      key={edition}
      address={url}
      identity={app.identity}
      token={token}
      graceMs={1_000}
    >
      <Store />
    </ConatProvider>
  );
}

describe("a provider that is mounted again at once", () => {
  it("keeps one client and its stores", async () => {
    seen.clear();
    const token = (): string => "any";
    const { rerender } = app.show(<Page edition={1} token={token} />);
    await screen.findByText("live");
    for (let edition = 2; edition < 10; edition += 1) {
      rerender(app.wrap(<Page edition={edition} token={token} />));
      expect(screen.getByText("live")).toBeDefined();
    }
    expect(seen.size).toBe(1);
  });

  it("with another token function makes another client: it may be another user's", async () => {
    seen.clear();
    const { rerender } = app.show(<Page edition={1} token={() => "one"} />);
    await screen.findByText("live");
    rerender(app.wrap(<Page edition={2} token={() => "two"} />));
    expect(screen.getByText("loading")).toBeDefined();
    await screen.findByText("live");
    expect(seen.size).toBe(2);
  });
});

it("hiding and showing an <Activity> opens one store, not two", async () => {
  const client = connect({ address: app.hub.url, identity: app.identity });
  const counts = countOpen(client);
  const page = (mode: "visible" | "hidden"): ReactElement =>
    app.wrap(
      <Activity mode={mode}>
        <Store />
      </Activity>,
      { client, graceMs: 60_000 },
    );
  const { rerender, unmount } = app.show(null, { client, graceMs: 60_000 });
  rerender(page("visible"));
  await screen.findByText("live");
  for (let times = 0; times < 5; times += 1) {
    rerender(page("hidden"));
    rerender(page("visible"));
  }
  await screen.findByText("live");
  expect(counts.feedsOpened).toBe(1);
  unmount();
  await client.close();
  await waitFor(() => expect(client.status.state).toBe("closed"));
});
