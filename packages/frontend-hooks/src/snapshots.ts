import type { DkvOptions } from "@conat/conat";
import { contentKey } from "./content-key.ts";

/** What names a store, and what was in it when a server rendered the page. */
export interface StoreSnapshot
  extends Pick<DkvOptions, "account_id" | "project_id" | "hub" | "name" | "ephemeral" | "service"> {
  readonly values: Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>;
}

/** Contents of stores that components show until the stores are open, on a server and in its page alike. */
export type Snapshots = ReadonlyMap<string, ReadonlyMap<string, unknown>>;

export function indexSnapshots(snapshots: readonly StoreSnapshot[]): Snapshots {
  return new Map(
    snapshots.map((snapshot) => [
      nameOf(snapshot),
      snapshot.values instanceof Map ? snapshot.values : new Map(Object.entries(snapshot.values)),
    ]),
  );
}

/** Equal for options that name the same store, however it behaves. */
export function nameOf(options: Omit<StoreSnapshot, "values">): string {
  const { account_id, project_id, hub, name, ephemeral, service } = options;
  return contentKey({ account_id, project_id, hub, name, ephemeral, service });
}
