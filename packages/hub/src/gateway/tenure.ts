import { ConatError, toConatError } from "@conat/conat/internal";
import type { Doorkeeper } from "../auth/doorkeeper.ts";
import type { Grant } from "../auth/grant.ts";
import { principalTag } from "../scope/identity.ts";
import { type Handshake, withDeadline } from "./handshake.ts";

/** The longest timer that Node keeps, in milliseconds. */
const MAX_TIMER_MS = 2_147_483_647;

/** The connection whose tenure it is. */
export interface TenureHost {
  readonly doorkeeper: Doorkeeper;
  /** How long a new token may take to be checked, in milliseconds. */
  readonly renewalTimeoutMs: number;
  /** The rights are others now. */
  onGrant(grant: Grant): void;
  /** There are no rights left, or others are needed that only a new connection can have. */
  onEnd(error: ConatError): void;
}

/** How long one connection may stay, and with which rights: from handshake to expiry, renewed or revoked meanwhile. */
export class Tenure {
  readonly #handshake: Handshake;
  readonly #host: TenureHost;
  /** As authenticated: what revocations take away of it is not gone for good. */
  #grant: Grant;
  #timer: NodeJS.Timeout | undefined;
  #isRenewing = false;
  #isClosed = false;

  constructor(handshake: Handshake, host: TenureHost) {
    this.#handshake = handshake;
    this.#host = host;
    this.#grant = handshake.grant;
    this.#startTimer();
  }

  get grant(): Grant {
    return this.#grant;
  }

  /** How long it lasts, in milliseconds from now; `undefined` for ever. */
  get leftMs(): number | undefined {
    const { expiresAt } = this.#grant;
    return expiresAt === undefined ? undefined : Math.max(0, expiresAt - Date.now());
  }

  /**
   * Takes a new token of the same principal.
   * @throws ConatError why it was not taken; what was there goes on until it ends
   */
  async renew(token: string): Promise<void> {
    const { doorkeeper, renewalTimeoutMs } = this.#host;
    if (this.#isRenewing) throw new ConatError("unavailable", "another token is being checked");
    this.#isRenewing = true;
    try {
      const { request } = this.#handshake;
      const shown = { ...request, hello: { ...request.hello, token } };
      const grant = await withDeadline(doorkeeper.admit(shown), renewalTimeoutMs);
      if (this.#isClosed) return;
      if (principalTag(grant.identity) !== principalTag(this.#grant.identity)) {
        const what = "the new token is somebody else's: connect again";
        this.#host.onEnd(new ConatError("unavailable", what));
        return;
      }
      this.#take(grant);
    } finally {
      this.#isRenewing = false;
    }
  }

  /** Looks again at what the grant is worth: revocations at once, the account's projects when they are known. */
  async review(): Promise<void> {
    const { doorkeeper } = this.#host;
    this.enforce();
    if (this.#isClosed) return;
    const grant = this.#grant;
    try {
      const now = await doorkeeper.review(grant);
      // A token that came meanwhile was looked at itself.
      if (grant === this.#grant && !this.#isClosed && now !== grant) this.#take(now);
    } catch (thrown) {
      const error = toConatError(thrown);
      if (error.kind === "revoked") this.#host.onEnd(error);
      // Who cannot be asked about now keeps what they had.
      else if (error.kind !== "unavailable") throw error;
    }
  }

  /** Takes away at once what is revoked. */
  enforce(): void {
    if (this.#isClosed) return;
    try {
      this.#host.onGrant(this.#host.doorkeeper.judge(this.#grant));
    } catch (thrown) {
      this.#host.onEnd(toConatError(thrown));
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #take(grant: Grant): void {
    this.#grant = grant;
    this.#startTimer();
    this.enforce();
  }

  #startTimer(): void {
    clearTimeout(this.#timer);
    const { leftMs } = this;
    if (leftMs === undefined || this.#isClosed) return;
    const onTime = leftMs > MAX_TIMER_MS ? () => this.#startTimer() : () => this.#expire();
    this.#timer = setTimeout(onTime, Math.min(leftMs, MAX_TIMER_MS));
    this.#timer.unref();
  }

  #expire(): void {
    const { grant } = this;
    this.#host.onEnd(
      grant.renewal === "reconnect"
        ? new ConatError("unavailable", "the sign-in has to be shown again: connect again")
        : new ConatError("unauthenticated", "the token has expired: show a new one"),
    );
  }
}
