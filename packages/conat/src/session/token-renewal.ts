import type { HubEvents } from "../protocol/events.ts";
import type { HubPart, HubUplink } from "./hub-part.ts";

/** A token is renewed when a third of its life is left, but no earlier than this before its end, in milliseconds. */
const MAX_LEAD_MS = 120_000; // browsers run the timers of a hidden page once a minute

/** Shortest wait between two attempts to get a new token, in milliseconds. */
const MIN_RETRY_MS = 1_000;

/** The longest timer that browsers and Node keep, in milliseconds. */
const MAX_TIMER_MS = 2_147_483_647;

/** Shows the hub a new token before the one it knows expires, over the connection that stands. */
export class TokenRenewal implements HubPart {
  readonly #uplink: HubUplink;
  readonly #getToken: (() => string | Promise<string>) | undefined;
  /** When the grant ends, by the clock that never goes back; `undefined` for never. */
  #endsAt: number | undefined;
  #stopTimer: (() => void) | undefined;
  /** Counts connections, so that a token that comes late is not sent over the wrong one. */
  #connection = 0;

  constructor(uplink: HubUplink, getToken: (() => string | Promise<string>) | undefined) {
    this.#uplink = uplink;
    this.#getToken = getToken;
  }

  /** The hub has said how long the token is good for, in milliseconds from now; `undefined` means for ever. */
  granted(leftMs: number | undefined): void {
    this.#stop();
    const { elapsed } = this.#uplink.environment;
    this.#endsAt = leftMs === undefined ? undefined : elapsed() + leftMs;
    if (leftMs !== undefined) this.#renewIn(leftMs - Math.min(MAX_LEAD_MS, leftMs / 3));
  }

  onConnected(): void {}

  onDisconnected(): void {
    this.#connection += 1;
    this.#stop();
  }

  onEnded(): void {
    this.onDisconnected();
  }

  readonly receivers = {
    identity: (leftMs, refusal) => {
      if (refusal === null) this.granted(leftMs ?? undefined);
      else this.#retry();
    },
  } satisfies Partial<HubEvents>;

  #renewIn(delayMs: number): void {
    if (this.#getToken === undefined) return;
    this.#stopTimer = this.#uplink.environment.startTimer(
      () => {
        if (delayMs > MAX_TIMER_MS) this.#renewIn(delayMs - MAX_TIMER_MS);
        else this.#renew();
      },
      Math.min(delayMs, MAX_TIMER_MS),
    );
  }

  #renew(): void {
    const connection = this.#connection;
    Promise.resolve()
      .then(() => this.#getToken?.())
      .then(
        (token) => {
          if (connection === this.#connection && token !== undefined) {
            this.#uplink.send("token", token);
          }
        },
        () => {
          if (connection === this.#connection) this.#retry();
        },
      );
  }

  /** Tries again while there is time; after that the hub ends the connection, and the next one asks for a token. */
  #retry(): void {
    this.#stop();
    if (this.#endsAt === undefined) return;
    const leftMs = this.#endsAt - this.#uplink.environment.elapsed();
    if (leftMs > MIN_RETRY_MS) this.#renewIn(Math.max(MIN_RETRY_MS, leftMs / 4));
  }

  #stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }
}
