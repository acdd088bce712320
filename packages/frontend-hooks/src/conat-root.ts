import { type Client, ConatError } from "@conat/conat";
import { type Lease, Leases, type Shareable } from "@conat/conat/actions";
import { createContext, useContext } from "react";
import { SharedClient } from "./shared-client.ts";
import type { SharedStore } from "./shared-store.ts";
import type { SharedTopic } from "./shared-topic.ts";
import type { Snapshots } from "./snapshots.ts";

export interface RootOptions {
  /** A client that somebody else closes. */
  readonly given: Client | undefined;
  /** Makes the root's own client. */
  readonly connect: () => Client;
  readonly graceMs: number;
}

/** What the components below one provider share. Making one opens nothing. */
export class ConatRoot implements Shareable {
  readonly stores: Leases<SharedStore>;
  readonly topics: Leases<SharedTopic>;
  readonly graceMs: number;
  readonly #clients: Leases<SharedClient>;
  readonly #options: RootOptions;

  constructor(options: RootOptions) {
    this.#options = options;
    this.graceMs = options.graceMs;
    this.stores = new Leases(options.graceMs);
    this.topics = new Leases(options.graceMs);
    this.#clients = new Leases(options.graceMs);
  }

  /** The client, if there is one by now. */
  get client(): Client | undefined {
    return this.#options.given ?? this.shared?.client;
  }

  /** What holds the client, if it is held. */
  get shared(): SharedClient | undefined {
    return this.#clients.peek("");
  }

  get ended(): boolean {
    return this.shared?.ended ?? false;
  }

  /** Nothing is open any more: whatever a root has opened is held, and closed, by those who use it. */
  close(): void {}

  /** Keeps the client; whoever is open through it does, so that it ends last. */
  holdClient(): Lease<SharedClient> {
    const { given, connect } = this.#options;
    const open = given === undefined ? connect : () => given;
    return this.#clients.acquire("", () => new SharedClient(open, given === undefined));
  }
}

export interface ConatContextValue {
  readonly root: ConatRoot;
  /** The provider's own, although providers of one connection share their root. */
  readonly snapshots: Snapshots;
  readonly throwErrors: boolean;
}

export const ConatContext = createContext<ConatContextValue | undefined>(undefined);

/** @throws ConatError `bad-options` outside of a provider */
export function useConatContext(): ConatContextValue {
  const context = useContext(ConatContext);
  if (context !== undefined) return context;
  throw new ConatError("bad-options", "conat hooks need a <ConatProvider> above");
}
