import { type Client, type ConatError, type SessionStatus, toConatError } from "@conat/conat";
import type { Shareable } from "@conat/conat/actions";

/** The client of a provider, or why there is none. */
export class SharedClient implements Shareable {
  readonly client: Client | undefined;
  /** Why there is no client. */
  readonly error: ConatError | undefined;
  readonly status: SessionStatus | undefined;
  readonly #owned: boolean;
  #met = false;

  constructor(open: () => Client, owned: boolean) {
    this.#owned = owned;
    try {
      this.client = open();
    } catch (thrown) {
      const error = toConatError(thrown);
      this.error = error;
      this.status = { state: "refused", error, attempt: 0 };
    }
  }

  get ended(): boolean {
    const state = this.#state;
    return state === "refused" || state === "closed";
  }

  /** Whoever looks has seen the connection stand, or why it never will; it stays so when the connection is lost. */
  get met(): boolean {
    this.#met ||= this.ended || this.#state === "ready";
    return this.#met;
  }

  get #state(): SessionStatus["state"] | undefined {
    return (this.client ?? this).status?.state;
  }

  close(): void {
    if (this.#owned) void this.client?.close();
  }
}
