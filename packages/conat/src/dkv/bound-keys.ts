import type { ConfirmedChange } from "./dkv-effects.ts";
import type { WriteRequest } from "./dkv-runner.ts";
import type { DkvState } from "./dkv-state.ts";
import { carriedBy, type LocalWrite, type WriteOutcome } from "./local-write.ts";

/** How often one key is set anew after one reconnect: others that write it at the same time win. */
const MAX_ATTEMPTS = 10;

interface BoundKey {
  /** Number of the write. */
  readonly id: number;
  readonly request: WriteRequest;
  readonly attempts: number;
}

/**
 * The keys that this client has set until it disconnects, and where it has to do so anew. The hub that took such a
 * write removes what it knows of once the connection is gone; a new version, written over another connection, is
 * nothing it knows of.
 */
export class BoundKeys {
  readonly #keys = new Map<string, BoundKey>();
  readonly #doubtful = new Set<string>();

  get hasDoubtful(): boolean {
    return this.#doubtful.size > 0;
  }

  keys(): string[] {
    return [...this.#keys.keys()];
  }

  /** A local write was made: the last one of a key decides. */
  written(id: number, request: WriteRequest): void {
    const { key, untilDisconnect, quiet } = request;
    const attempts = quiet ? (this.#keys.get(key)?.attempts ?? 0) + 1 : 0;
    if (untilDisconnect) this.#keys.set(key, { id, request, attempts });
    else this.#keys.delete(key);
  }

  settled(write: LocalWrite, outcome: WriteOutcome): void {
    const { key, quiet } = write;
    const bound = this.#keys.get(key);
    if (bound === undefined || !carriedBy(write).includes(bound.id)) return;
    const { status } = outcome;
    const lost =
      status === "outcome-unknown" || (status === "rejected" && outcome.error.kind === "conflict");
    if (quiet && lost && bound.attempts < MAX_ATTEMPTS) this.#doubtful.add(key);
    else if (status === "rejected" || status === "discarded") this.#keys.delete(key);
  }

  /** @param isReload what vanished while the feed was away comes without saying who removed it */
  changed({ entry, own, pending }: ConfirmedChange, isReload: boolean): void {
    if (pending || !this.#keys.has(entry.key)) return;
    if (!own && !isReload && entry.kind !== "expiry") this.#keys.delete(entry.key);
    else if (entry.kind !== "put") this.#doubtful.add(entry.key);
  }

  /** The feed is complete again, perhaps by way of another hub. */
  synced(state: DkvState): void {
    for (const [key, bound] of this.#keys) {
      if (state.stageOf(key, bound.id) === "pending") continue;
      this.#keys.set(key, { ...bound, attempts: 0 });
      this.#doubtful.add(key);
    }
  }

  /** Takes the writes that set again what is doubtful, and still this client's. */
  takeDoubtful(state: DkvState, origin: string): WriteRequest[] {
    const requests: WriteRequest[] = [];
    for (const key of this.#doubtful) {
      if (state.isPending(key)) continue;
      this.#doubtful.delete(key);
      const bound = this.#keys.get(key);
      const entry = state.confirmed(key);
      if (bound === undefined) continue;
      if (entry && entry.origin !== origin && entry.kind !== "expiry") this.#keys.delete(key);
      else requests.push({ ...bound.request, ifSeq: state.knownSeq(key), quiet: true });
    }
    return requests;
  }
}
