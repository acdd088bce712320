import {
  createEntry,
  type Entry,
  type EntryBatch,
  type FeedEvent,
  type FeedListener,
} from "@conat/conat/internal";
import type { Audience } from "./rule-book.ts";

/**
 * Marks a checkpoint as of readers who did not see everything: who shows it later, perhaps with other rights, gets all
 * anew. No epoch contains it.
 */
const FILTERED = "~";

/** What an audience hears of a feed: entries it may read, and `withdrawn` for those that it may not any more. */
export function filterFeed(audience: Audience, listener: FeedListener): FeedListener {
  /** Keys that the audience has a value of. */
  let visible = new Set<string>();
  const filter = (batch: EntryBatch): EntryBatch => {
    const entries: Entry[] = [];
    for (const entry of batch.entries) {
      const { key, seq, time } = entry;
      if (entry.kind === "floor") {
        visible.clear();
        entries.push(entry);
      } else if (entry.kind === "put" && audience.canRead(entry)) {
        visible.add(key);
        entries.push(entry);
      } else if (visible.delete(key)) {
        entries.push(
          entry.kind === "put" ? createEntry({ key, seq, time, kind: "withdrawn" }) : entry,
        );
      }
    }
    return { entries, position: batch.position };
  };
  return (event: FeedEvent): void => {
    if (event.type === "entries") {
      const { batch, mayLinger } = event;
      listener({ type: "entries", batch: filter(batch), mayLinger });
      return;
    }
    if (event.type === "reset" && event.mode === "full") visible = new Set();
    listener(event);
  };
}

/** The event as it is told to a reader who does not see everything. */
export function markFiltered(event: FeedEvent): FeedEvent {
  if (event.type !== "synced") return event;
  const { checkpoint } = event;
  return { type: "synced", checkpoint: { ...checkpoint, epoch: checkpoint.epoch + FILTERED } };
}

/** Whether a checkpoint is of somebody who did not see everything. */
export function isFiltered(epoch: string): boolean {
  return epoch.endsWith(FILTERED);
}
