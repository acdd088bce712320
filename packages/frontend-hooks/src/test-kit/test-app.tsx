import { type Client, connect, type DKV, dkv, PubSub } from "@conat/conat";
import { cleanup, configure, type RenderResult, render } from "@testing-library/react";
import { type ReactElement, type ReactNode, StrictMode } from "react";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { ConatProvider, type ConatProviderProps } from "../conat-provider.tsx";
import { TestHub } from "./test-hub.ts";

/** How long the tests' stores outlive their last user, in milliseconds. */
export const GRACE_MS = 50;

/** What a test with components needs of the world: a hub, a project of its own, and somebody else in it. */
export class TestApp {
  #hub: TestHub | undefined;
  #clients: Client[] = [];
  #tests = 0;

  /** For a file: one hub for all its tests. */
  static setUp(): TestApp {
    const app = new TestApp();
    // A loaded machine is slow, and what is waited for usually comes in milliseconds.
    configure({ asyncUtilTimeout: 10_000 });
    beforeAll(async () => {
      app.#hub = await TestHub.start();
    });
    beforeEach(() => {
      app.#tests += 1;
    });
    afterEach(async () => {
      cleanup();
      await Promise.all(app.#clients.map((client) => client.close()));
      app.#clients = [];
    });
    afterAll(() => app.#hub?.remove());
    return app;
  }

  get hub(): TestHub {
    if (this.#hub === undefined) throw new Error("the hub is only there inside a test");
    return this.#hub;
  }

  /** A project that no other test uses. */
  get project_id(): string {
    return `project-${this.#tests}`;
  }

  get identity(): { account_id: string; projects: string[] } {
    return { account_id: "tester", projects: [this.project_id] };
  }

  /** A client that is closed after the test. */
  connect(): Client {
    const client = connect({ address: this.hub.url, identity: this.identity });
    this.#clients.push(client);
    return client;
  }

  /** Components below a provider under StrictMode, with a client of their own unless `props` gives one. */
  wrap(children: ReactNode, props?: ConatProviderProps): ReactElement {
    return (
      <StrictMode>
        <ConatProvider
          address={this.hub.url}
          identity={this.identity}
          graceMs={GRACE_MS}
          {...props}
        >
          {children}
        </ConatProvider>
      </StrictMode>
    );
  }

  show(children: ReactNode, props?: ConatProviderProps): RenderResult {
    return render(this.wrap(children, props));
  }

  /** A store as somebody else has it. */
  openElsewhere<T>(name: string): Promise<DKV<T>> {
    return dkv<T>({ project_id: this.project_id, name, client: this.connect() });
  }

  /** A channel as somebody else has it; it listens when this resolves. */
  async listenElsewhere<T>(name: string): Promise<PubSub<T>> {
    const client = this.connect();
    await client.ready();
    const { project_id } = this;
    const channel = new PubSub<T>({ project_id, name, client });
    // The hub takes the messages of one connection in order: what comes back was sent after it listened.
    const echo = new PubSub({ project_id, name: `${name} ready`, client });
    await new Promise<void>((resolve) => {
      echo.on("change", () => resolve());
      echo.set(true);
    });
    echo.close();
    return channel;
  }
}
