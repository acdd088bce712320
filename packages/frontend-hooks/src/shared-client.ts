import type { Client, ConatError, SessionStatus } from "@conat/conat";
import { toError } from "./errors.ts";
import type { Shareable } from "./leases.ts";

/** The client of a provider, or why there is none. */
export class SharedClient implements Shareable {
  readonly client: Client | undefined;
  /** Why there is no client. */
  readonly error: ConatError | undefined;
  readonly status: SessionStatus | undefined;
  readonly #owned: boolean;

  constructor(open: () => Client, owned: boolean) {
    this.#owned = owned;
    try {
      this.client = open();
    } catch (thrown) {
      const error = toError(thrown);
      this.error = error;
      this.status = { state: "refused", error, attempt: 0 };
    }
  }

  get ended(): boolean {
    const state = (this.client ?? this).status?.state;
    return state === "refused" || state === "closed";
  }

  close(): void {
    if (this.#owned) void this.client?.close();
  }
}
