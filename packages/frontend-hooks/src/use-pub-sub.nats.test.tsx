// @vitest-environment happy-dom
import type { ConatError } from "@conat/conat";
import { screen, waitFor } from "@testing-library/react";
import type { ReactElement } from "react";
import { describe, expect, it, vi } from "vitest";
import { TestApp } from "./test-kit/test-app.tsx";
import { type UsePubSub, usePubSub } from "./use-pub-sub.ts";

const app = TestApp.setUp();

let latest: UsePubSub<unknown> | undefined;

interface ChannelProps {
  readonly project?: string;
  readonly showLast?: boolean;
  readonly throttleMs?: number;
  readonly onMessage?: (data: unknown, own: boolean) => void;
  readonly onRender?: () => void;
}

function Channel(props: ChannelProps): ReactElement {
  const { project = app.project_id, showLast, throttleMs, onMessage, onRender } = props;
  latest = usePubSub({ project_id: project, name: "channel", throttleMs }, (data, { own }) =>
    onMessage?.(data, own),
  );
  onRender?.();
  const last = showLast ? latest.last : undefined;
  return (
    <p>
      {latest.error?.kind ?? "no error"}, {last ? `${last.data} ${last.own}` : "silence"}
    </p>
  );
}

describe("a component on a channel", () => {
  it("gets the messages of others and its own, and tells them apart", async () => {
    const theirs = await app.listenElsewhere<string>("channel");
    const heard: [unknown, boolean][] = [];
    app.show(<Channel showLast onMessage={(data, own) => heard.push([data, own])} />);
    expect(screen.getByText("no error, silence")).toBeDefined();
    latest?.set("hello");
    await screen.findByText("no error, hello true");
    theirs.set("hi");
    await screen.findByText("no error, hi false");
    expect(heard).toEqual([
      ["hello", true],
      ["hi", false],
    ]);
  });

  it("is not rendered again by messages whose last it never reads, and hears them with its latest handler", async () => {
    let renders = 0;
    const heard: string[] = [];
    const element = (label: string): ReactElement => (
      <Channel
        onMessage={(data) => heard.push(`${label} ${data}`)}
        onRender={() => {
          renders += 1;
        }}
      />
    );
    const { rerender } = app.show(element("first"));
    latest?.set(1);
    await waitFor(() => expect(heard).toEqual(["first 1"]));
    rerender(app.wrap(element("second")));
    const before = renders;
    for (let n = 2; n <= 50; n += 1) latest?.set(n);
    await waitFor(() => expect(heard).toHaveLength(50));
    expect(heard.at(-1)).toBe("second 50");
    expect(renders).toBe(before);
  });

  it("sends no more often than it says, and the last message always", async () => {
    const theirs = await app.listenElsewhere<number>("channel");
    const heard: number[] = [];
    theirs.on("change", (n) => heard.push(n));
    app.show(<Channel throttleMs={40} />);
    for (let n = 1; n <= 100; n += 1) latest?.set(n);
    await waitFor(() => expect(heard).toEqual([1, 100]));
  });

  it("shows why a message that was held back could not be sent, and when it is gone an uncaught error does", async () => {
    const unserialisable = () => "a function";
    const { unmount } = app.show(<Channel throttleMs={10} />);
    latest?.set("first");
    latest?.set(unserialisable);
    await screen.findByText("not-serialisable, silence");
    const uncaught: unknown[] = [];
    vi.spyOn(globalThis, "queueMicrotask").mockImplementation((throwing) => {
      try {
        throwing();
      } catch (error) {
        uncaught.push(error);
      }
    });
    latest?.set("second");
    latest?.set(unserialisable);
    unmount();
    await waitFor(() => expect(uncaught).toMatchObject([{ kind: "not-serialisable" }]));
    vi.restoreAllMocks();
  });

  it("shows why it may not listen, and throws it to who sends", async () => {
    app.show(<Channel project="somebody-elses" />);
    await screen.findByText("forbidden, silence");
    const errors: ConatError[] = [];
    try {
      latest?.set(1);
    } catch (error) {
      errors.push(error as ConatError);
    }
    expect(errors.map(({ kind }) => kind)).toEqual(["forbidden"]);
  });
});
