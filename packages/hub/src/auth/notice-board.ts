import { type DKV, dkv } from "@conat/conat";
import { ConatError, type Session } from "@conat/conat/internal";
import type { Logger } from "pino";
import { type Notice, noticeKey, parseNotice } from "./revocation-set.ts";

/** How long a hub counts as alive after its last sign of life, in milliseconds. Whole seconds. */
export const DEFAULT_LEASE_MS = 15_000;

/** A hub is lapsed a little before the others give it up, so that the two never overlap. */
const LAPSE_FRACTION = 0.8;

/** How long a confirmation is kept for whoever waits for it, in milliseconds. */
const CONFIRMATION_TTL_MS = 120_000;

/** Longest wait for all hubs, in milliseconds: a hub that missed a notice finds it at its next check of the store. */
const CONFIRM_DEADLINE_MS = 90_000;

/** Longest wait for the last words, in milliseconds: without NATS nobody hears them. */
const CLOSE_DEADLINE_MS = 1_000;

const NOTICES = "conat-notices";
const HUBS = "conat-hubs";

export interface NoticeBoardOptions {
  /** With all rights in the hub's scope. */
  readonly session: Session;
  /** Unique for this run of this hub. */
  readonly hubId: string;
  readonly leaseMs: number;
  readonly logger: Logger;
  /** A notice is new, or is gone. Resolves when it is in force here. */
  readonly onNotice: (notice: Notice, isGone: boolean) => Promise<void>;
  /** Everything known is void: the notices that are in force follow. */
  readonly onReload: () => void;
  /** This hub has been cut off for so long that others do not wait for it any more, or is back. */
  readonly onLapsed: (lapsed: boolean) => void;
}

/**
 * Where hubs tell each other what must be in force everywhere. A notice is posted once every live hub has confirmed it,
 * or has not shown a sign of life for the time of its lease; a hub that cannot show one stops serving before that.
 * Both stores are on disk: what is revoked stays so over restarts, and a restart of NATS makes no hub look dead.
 */
export class NoticeBoard {
  readonly #options: NoticeBoardOptions;
  readonly #hubs: DKV;
  #notices: DKV | undefined;
  #leaseUntil = 0;
  #isLapsed = true;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;

  private constructor(options: NoticeBoardOptions, hubs: DKV) {
    this.#options = options;
    this.#hubs = hubs;
  }

  /** @throws ConatError when the hub's scope cannot be read or written */
  static async open(options: NoticeBoardOptions): Promise<NoticeBoard> {
    const board = new NoticeBoard(options, await openStore(options.session, HUBS));
    try {
      await board.#renew();
    } catch (error) {
      await board.close();
      throw error;
    }
    board.#timer = setInterval(() => board.#tick(), options.leaseMs / 5);
    board.#timer.unref();
    return board;
  }

  /** Others may not wait for this hub any more, so that it must not serve. */
  get isLapsed(): boolean {
    return this.#isLapsed || performance.now() > this.#leaseUntil;
  }

  /**
   * Resolves when the notice is in force at every hub.
   * @throws ConatError `timeout` when a live hub has not confirmed: the notice is stored and will be in force there, too
   */
  async post(notice: Notice, ttlMs: number): Promise<void> {
    const notices = this.#notices;
    if (notices === undefined) throw new ConatError("unavailable", "this hub has lost its store");
    const key = noticeKey(notice);
    const outcome = await notices.set(key, notice, { ttlMs }).settled();
    if (outcome.status === "rejected" || outcome.status === "outcome-unknown") throw outcome.error;
    const seq = outcome.status === "confirmed" ? outcome.seq : 0;
    // A view of its own: whoever was alive when the notice was stored is in it, or has read the notice by itself.
    const hubs = await openStore(this.#options.session, HUBS);
    try {
      await untilConfirmed(hubs, key, seq);
    } finally {
      await hubs.close();
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_DEADLINE_MS);
    });
    await Promise.race([this.#leave(), deadline]);
    clearTimeout(timer);
    this.#hubs.abort(new ConatError("closed", "the hub has stopped"));
  }

  /** Others need not wait for the lease to run out. */
  async #leave(): Promise<void> {
    await this.#renewing;
    this.#hubs.delete(leaseKey(this.#options.hubId));
    await Promise.allSettled([this.#hubs.close(), this.#notices?.close()]);
  }

  #tick(): void {
    if (!this.#isLapsed && performance.now() > this.#leaseUntil) {
      this.#isLapsed = true;
      this.#options.logger.warn("cut off from the other hubs: nobody is served until NATS is back");
      this.#options.onLapsed(true);
    }
    this.#renewing ??= this.#renew()
      .catch((error: unknown) => this.#options.logger.warn({ err: error }, "no sign of life"))
      .finally(() => {
        this.#renewing = undefined;
      });
  }

  /** Shows a sign of life. Who was given up by the others reads all notices anew before it serves again. */
  async #renew(): Promise<void> {
    const { hubId, leaseMs } = this.#options;
    const start = performance.now();
    const ttlMs = leaseMs;
    const outcome = await this.#hubs.set(leaseKey(hubId), true, { ttlMs }).settled();
    if (outcome.status === "rejected" || outcome.status === "outcome-unknown") throw outcome.error;
    this.#leaseUntil = start + leaseMs * LAPSE_FRACTION;
    if (!this.#isLapsed || performance.now() > this.#leaseUntil || this.#isClosed) return;
    await this.#reload();
    this.#isLapsed = false;
    this.#options.onLapsed(false);
  }

  async #reload(): Promise<void> {
    const before = this.#notices;
    this.#notices = undefined;
    await before?.close();
    const notices = await openStore(this.#options.session, NOTICES);
    this.#options.onReload();
    notices.on("change", ({ key, value, prev, seq, kind }) => {
      if (kind === "put") this.#apply(key, value, seq);
      else {
        const notice = parseNotice(prev);
        if (notice) void this.#options.onNotice(notice, true);
      }
    });
    this.#notices = notices;
    for (const [key, value] of notices.entries()) this.#apply(key, value, notices.seq(key));
  }

  #apply(key: string, value: unknown, seq: number): void {
    const { hubId, logger, onNotice } = this.#options;
    const notice = parseNotice(value);
    if (notice === undefined) {
      logger.error({ key }, "a notice of another hub is not understood");
      return;
    }
    onNotice(notice, false).then(
      () => {
        if (this.#isClosed) return;
        this.#hubs.set(confirmationKey(hubId, key), seq, { ttlMs: CONFIRMATION_TTL_MS });
      },
      (error: unknown) => logger.error({ err: error, key }, "a notice could not be enforced"),
    );
  }
}

function openStore(session: Session, name: string): Promise<DKV> {
  return dkv({ client: { session }, hub: true, name, noCache: true });
}

function leaseKey(hubId: string): string {
  return JSON.stringify(["lease", hubId]);
}

function confirmationKey(hubId: string, notice: string): string {
  return JSON.stringify(["confirmed", hubId, notice]);
}

function untilConfirmed(hubs: DKV, notice: string, seq: number): Promise<void> {
  const missing = (): string[] =>
    hubs
      .keys()
      .map((key): unknown => JSON.parse(key))
      .filter((key): key is [string, string] => Array.isArray(key) && key[0] === "lease")
      .map(([, hubId]) => hubId)
      .filter((hubId) => Number(hubs.get(confirmationKey(hubId, notice)) ?? -1) < seq);
  if (missing().length === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stop();
      const what = `hubs ${missing().join(", ")} have not confirmed; it will be in force there, too`;
      reject(new ConatError("timeout", what));
    }, CONFIRM_DEADLINE_MS);
    const stop = hubs.subscribe(() => {
      if (missing().length > 0) return;
      clearTimeout(timer);
      stop();
      resolve();
    });
  });
}
