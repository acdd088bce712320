import type { FeedTail } from "./feed-tail.ts";
import { LoadRaced } from "./load-raced.ts";
import { type LoadSource, loadStore, type StoreLoad } from "./store-load.ts";

export interface TailFindings {
  /** Lowest sequence of what is stored and was not told; Infinity when there is none. */
  readonly firstMissing: number;
  /** How far was looked. */
  readonly upTo: number;
}

/**
 * Holds what is stored since a sequence against what a feed's tail has told.
 * @returns undefined when the store changed meanwhile: the next look says more.
 */
export async function verifyTail(
  tail: FeedTail,
  since: number,
  load: LoadSource & Pick<StoreLoad, "reader">,
): Promise<TailFindings | undefined> {
  let firstMissing = Number.POSITIVE_INFINITY;
  try {
    const { upTo } = await loadStore({
      ...load,
      since,
      knownHead: undefined,
      knows: (seq) => tail.has(seq),
      begin: () => {},
      entries: (entries) => {
        const newer = entries.filter(({ seq }) => seq > since);
        for (const { seq } of tail.missing(newer)) firstMissing = Math.min(firstMissing, seq);
      },
    });
    return { firstMissing, upTo };
  } catch (error) {
    if (error instanceof LoadRaced) return undefined;
    throw error;
  }
}
