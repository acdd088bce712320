import { LRUCache } from "lru-cache";
import { TokenBucket } from "../token-bucket.ts";

/** Projects whose recent use is remembered. */
const MAX_PROJECTS = 20_000;

/** So much per second from the backends of one project together. */
export class ProjectRate {
  readonly #ratePerSecond: number;
  readonly #buckets = new LRUCache<string, TokenBucket>({ max: MAX_PROJECTS });

  /** @param ratePerSecond 0 means no limit */
  constructor(ratePerSecond: number) {
    this.#ratePerSecond = ratePerSecond;
  }

  /** Counts one more, or answers that it is too much. */
  admits(project_id: string): boolean {
    const now = performance.now();
    let bucket = this.#buckets.get(project_id);
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#ratePerSecond, now);
      this.#buckets.set(project_id, bucket);
    }
    if (!bucket.isOpen(now)) return false;
    bucket.spend(1);
    return true;
  }
}
