import { type Client, type DKV, dkv } from "@conat/conat";

interface BuildState {
  readonly state: "running" | "done";
}

export class BuildActions {
  private store?: DKV<BuildState>;
  private closed = false;

  async init(client: Client, project_id: string): Promise<void> {
    this.store = await dkv<BuildState>({ client, project_id, name: "builds", ephemeral: true });
    if (this.closed) {
      this.store.close();
      return;
    }
    this.store.on("change", ({ key, value }) => console.log(key, value?.state));
  }

  start(path: string): void {
    this.store?.set(path, { state: "running" });
  }

  close(): void {
    this.closed = true;
    this.store?.close();
  }
}
