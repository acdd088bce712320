import type { Client, PubSub } from "@conat/conat";
import { Actions, type StoreHandle } from "@conat/conat/actions";

interface BuildState {
  readonly state: "running" | "done";
  readonly runner: string;
}

export class BuildActions extends Actions {
  readonly #builds: StoreHandle<BuildState>;
  readonly #output: PubSub<string>;

  constructor(client: Client, project_id: string, onLine: (line: string) => void) {
    super({ client });
    this.#builds = this.dkv<BuildState>({ project_id, name: "builds", ephemeral: true });
    this.#builds.on("change", ({ key, value }) => onLine(`${key}: ${value?.state ?? "gone"}`));
    this.#output = this.pubsub<string>({ project_id, name: "build-output" });
    this.#output.on("change", onLine);
    const timer = setInterval(() => onLine("…"), 10_000);
    this.onClose(() => clearInterval(timer));
  }

  start(path: string, runner: string): void {
    this.#builds.set(path, { state: "running", runner });
    this.#output.set(`${runner} builds ${path}`);
  }
}
