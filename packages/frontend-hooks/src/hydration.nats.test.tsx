// @vitest-environment happy-dom
import { act, render, screen } from "@testing-library/react";
import { type ReactElement, Suspense } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { TestApp } from "./test-kit/test-app.tsx";
import { useDKV } from "./use-dkv.ts";
import { useDKVKey } from "./use-dkv-key.ts";
import { useDKVSelector } from "./use-dkv-selector.ts";
import { useSuspenseDKV } from "./use-suspense.ts";

const app = TestApp.setUp();

function Page(): ReactElement {
  const options = { project_id: app.project_id, name: "page" };
  const { values, status } = useDKV<string>(options);
  const [title] = useDKVKey<string>(options, "title", "untitled");
  const size = useDKVSelector<string, number>(options, (all) => all.size);
  return <p>{`${title}, ${values.get("text")}, ${size} keys, ${status}`}</p>;
}

function Patient(): ReactElement {
  const { values } = useSuspenseDKV<string>({ project_id: app.project_id, name: "page" });
  return <p>patient: {values.get("title")}</p>;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a page that a server rendered", () => {
  it("shows what was stored when it was rendered, is taken over unchanged, and then is live", async () => {
    const theirs = await app.openElsewhere<string>("page");
    theirs.setMany({ title: "Hello", text: "rendered" });
    await theirs.save();
    const snapshots = [{ project_id: app.project_id, name: "page", values: theirs.get() }];
    const page = app.wrap(
      <>
        <Page />
        <Suspense fallback="waiting">
          <Patient />
        </Suspense>
      </>,
      { snapshots },
    );
    const html = renderToString(page);
    expect(html).toContain("Hello, rendered, 2 keys, loading");
    expect(html).not.toContain("waiting");

    const complaints = vi.spyOn(console, "error");
    const container = document.body.appendChild(document.createElement("div"));
    container.innerHTML = html;
    const paragraph = container.querySelector("p");
    const root = await act(async () => hydrateRoot(container, page));
    try {
      await screen.findByText("Hello, rendered, 2 keys, live");
      expect(container.querySelector("p")).toBe(paragraph);
      expect(complaints).not.toHaveBeenCalled();
      theirs.set("title", "Changed");
      await screen.findByText("Changed, rendered, 2 keys, live");
      await screen.findByText("patient: Changed");
    } finally {
      await act(async () => root.unmount());
      container.remove();
    }
  });

  it("may have several parts, each with a provider and snapshots of its own", async () => {
    const page = (title: string): ReactElement =>
      app.wrap(<Page />, {
        snapshots: [{ project_id: app.project_id, name: "page", values: { title } }],
      });
    await app.hub.stop();
    try {
      render(page("First"));
      render(page("Second"));
      expect(screen.getByText("First, undefined, 1 keys, loading")).toBeDefined();
      expect(screen.getByText("Second, undefined, 1 keys, loading")).toBeDefined();
    } finally {
      await app.hub.start();
    }
  });

  it("without a snapshot starts empty on both sides", async () => {
    const html = renderToString(app.wrap(<Page />));
    expect(html).toContain("untitled, undefined, 0 keys, loading");
  });
});
