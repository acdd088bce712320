import { ConatError } from "../protocol/conat-error.ts";
import { createEntry, type Entry } from "../protocol/entry.ts";
import type { Checkpoint } from "../protocol/feed-position.ts";
import { MAX_TOLD } from "../protocol/limits.ts";
import type { FeedReset, WriteResult } from "../session/session.ts";
import { equalBytes } from "../util/equal-bytes.ts";
import { ConfirmedEntries, type Known } from "./confirmed-entries.ts";
import type { DkvEffects, LostWrite, MergeBytes, Sendable } from "./dkv-effects.ts";
import {
  carriedBy,
  isCarried,
  type LocalWrite,
  oldestOf,
  type WriteOutcome,
} from "./local-write.ts";
import {
  type Base,
  type InFlight,
  type Overlay,
  storedValue,
  toLost,
  unknownOutcome,
} from "./overlay.ts";
import { hasValue, type Visible } from "./visible.ts";

/** There is nothing. */
const NO_BASE: Base = { seq: 0, value: undefined };

/** A sequence that no key ever has. */
const NEVER = -1;

/** A key that keeps losing against other writers is given up after this many merges, with a `conflict`. */
const MAX_MERGES = 100;

/**
 * What one store holds and how it changes: SPEC.md as code. No I/O, clock or randomness; what has to happen outside is
 * told to {@link DkvEffects}. Confirmed entries change only by an entry from the server; local writes lie over them.
 */
export class DkvState {
  readonly #effects: DkvEffects;
  readonly #merge: MergeBytes | undefined;
  readonly #confirmed = new ConfirmedEntries();
  readonly #overlays = new Map<string, Overlay>();
  /** Keys that may have something to send, in the order they were written. */
  readonly #dirty = new Set<string>();
  readonly #inFlightKeys = new Map<number, string>();
  /** Its entry is being told, and how it has ended is told next. */
  #ending: LocalWrite | undefined;
  /** Some of them may be parked or released. */
  #mayBeUnanswered = false;
  /** Newest acknowledged write of each key that the epoch which just begins lacks. */
  readonly #lost = new Map<string, LostWrite>();
  /** Origin of this session's writes; the runner tells it, because it is known late. */
  ownOrigin = "";

  constructor(effects: DkvEffects, merge: MergeBytes | undefined) {
    this.#effects = effects;
    this.#merge = merge;
  }

  // ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What is known of a key: its local writes, where there are any; `undefined` when nothing was ever known of it. */
  holder(key: string): Overlay | Known | undefined {
    return this.#overlays.get(key) ?? this.#confirmed.known(key);
  }

  /** What `get` shows for a key; `undefined` when nothing was ever known of it. */
  visible(
    key: string,
    holder: Overlay | Known | undefined = this.holder(key),
  ): Visible | undefined {
    if (holder === undefined) return undefined;
    if ("entry" in holder) return holder.entry;
    const { pending, inFlight, acked } = holder;
    if (pending && !pending.quiet) return pending;
    if (inFlight && !inFlight.write.quiet) return inFlight.write;
    return acked?.write ?? this.#confirmed.get(key);
  }

  /** By how much the sequences of what is confirmed are above `verified`, where they are. */
  readonly told = (verified: number): number[] =>
    [...this.#confirmed]
      .map(([, { entry }]) => entry.seq - verified)
      .filter((seq) => seq > 0)
      .slice(0, MAX_TOLD);

  confirmed(key: string): Entry | undefined {
    return this.#confirmed.get(key);
  }

  /** Sequence that a compare-and-set on what the caller sees must name; 0 when there is nothing. */
  knownSeq(key: string): number {
    return this.#overlays.get(key)?.acked?.seq ?? this.#confirmed.get(key)?.seq ?? 0;
  }

  /** A write of the key is not yet acknowledged. */
  isPending(key: string): boolean {
    const overlay = this.#overlays.get(key);
    return overlay?.pending !== undefined || overlay?.inFlight !== undefined;
  }

  /** Every key that has a visible value. */
  *keys(): IterableIterator<string> {
    for (const [key, { entry }] of this.#confirmed) {
      if (this.#overlays.has(key) ? hasValue(this.visible(key)) : entry.kind === "put") yield key;
    }
    for (const key of this.#overlays.keys()) {
      if (this.#confirmed.get(key) === undefined && hasValue(this.visible(key))) yield key;
    }
  }

  get size(): number {
    let { size } = this.#confirmed;
    for (const key of this.#overlays.keys()) {
      const confirmed = this.#confirmed.get(key)?.kind === "put" ? 1 : 0;
      size += (hasValue(this.visible(key)) ? 1 : 0) - confirmed;
    }
    return size;
  }

  // ── local writes ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Adds a local write over what is there. A write not yet sent is superseded. */
  write(write: LocalWrite): void {
    const overlay = this.#overlayFor(write.key);
    const replaced = overlay.pending;
    overlay.pending = write;
    this.#dirty.add(write.key);
    if (replaced) this.#effects.settled(replaced, { status: "superseded" });
    this.#effects.localChanged(write.key);
  }

  /** Whether a write that the server has lost may be offered again: nothing newer is in its way. */
  takesOffer(key: string): boolean {
    if (this.isPending(key)) return false;
    return this.#merge !== undefined || this.#confirmed.get(key)?.kind !== "put";
  }

  /** Lays a write that the server has lost over what it has now, through `merge` where there is one. */
  offer(write: LocalWrite): void {
    const { key } = write;
    const overlay = this.#overlayFor(key);
    const stored = this.#confirmed.get(key);
    overlay.base = { seq: 0, value: undefined };
    // Without a merge nothing that somebody else stores meanwhile is written over.
    overlay.pending = this.#merge ? write : { ...write, ifSeq: stored?.seq ?? 0 };
    this.#dirty.add(key);
    if (stored) this.#rebase(key, overlay, stored);
    this.#tidy(key, overlay);
    this.#effects.localChanged(key);
  }

  /** Lets a key that was backed off be sent. */
  release(key: string): void {
    if (this.#overlays.get(key)?.pending) this.#dirty.add(key);
  }

  /** Number of the caller's newest write of a key that has not ended. */
  newestWrite(key: string): number | undefined {
    const overlay = this.#overlays.get(key);
    const ending = this.#ending?.key === key ? this.#ending : undefined;
    const newest = overlay?.pending ?? overlay?.inFlight?.write ?? ending;
    return newest && carriedBy(newest).at(-1);
  }

  /** Where the caller's write `id` of `key` is now; `undefined` once it has ended. */
  stageOf(key: string, id: number): "pending" | "in-flight" | undefined {
    const overlay = this.#overlays.get(key);
    if (isCarried(overlay?.pending, id)) return "pending";
    return isCarried(overlay?.inFlight?.write, id) ? "in-flight" : undefined;
  }

  get hasSendable(): boolean {
    return this.#dirty.size > 0;
  }

  /** Writes that wait for an answer. Those whose answer was lost do not: they must not fill the window they wait for. */
  get inFlightCount(): number {
    // Asked for with every answer: mostly none is without one.
    if (!this.#mayBeUnanswered) return this.#inFlightKeys.size;
    let count = 0;
    for (const key of this.#inFlightKeys.values()) {
      if (this.#overlays.get(key)?.inFlight?.phase === "sent") count += 1;
    }
    this.#mayBeUnanswered = count < this.#inFlightKeys.size;
    return count;
  }

  /**
   * Marks up to `limit` writes as sent and returns them: at most one per key, the oldest keys first.
   * Writes with a number above `upTo` stay where they are.
   */
  take(limit: number, upTo: number = Number.POSITIVE_INFINITY): Sendable[] {
    const sendable: Sendable[] = [];
    for (const key of this.#dirty) {
      if (sendable.length >= limit) break;
      const overlay = this.#overlays.get(key);
      if (!overlay?.inFlight && oldestOf(overlay?.pending) > upTo) continue;
      this.#dirty.delete(key);
      if (overlay?.inFlight && overlay.inFlight.phase !== "released") continue;
      const next = overlay && this.#launch(overlay, key);
      if (next) sendable.push(next);
    }
    return sendable;
  }

  #launch(overlay: Overlay, key: string): Sendable | undefined {
    const again = overlay.inFlight;
    if (again) {
      overlay.inFlight = { ...again, expectedSeq: again.knownSeq, phase: "sent" };
      return { write: again.write, expectedSeq: again.knownSeq };
    }
    const write = overlay.pending;
    if (write === undefined) return undefined;
    const expectedSeq = write.ifSeq ?? (this.#merge ? overlay.base.seq : undefined);
    const knownSeq = expectedSeq ?? this.knownSeq(key);
    overlay.pending = undefined;
    overlay.inFlight = { write, expectedSeq, knownSeq, ambiguous: false, phase: "sent" };
    this.#inFlightKeys.set(write.id, key);
    return { write, expectedSeq };
  }

  /** A write in flight that waits for no answer now. */
  #hold(overlay: Overlay, inFlight: InFlight): void {
    overlay.inFlight = inFlight;
    this.#mayBeUnanswered = true;
  }

  /** Takes back a write that is not yet acknowledged. False when there is none of that number. */
  discard(id: number): boolean {
    for (const [key, overlay] of this.#overlays) {
      const { pending } = overlay;
      if (pending && isCarried(pending, id)) {
        overlay.pending = undefined;
        this.#end(key, overlay, pending, { status: "discarded" });
        return true;
      }
      if (overlay.inFlight && isCarried(overlay.inFlight.write, id)) {
        const { write } = this.#land(overlay.inFlight);
        overlay.inFlight = undefined;
        this.#end(key, overlay, write, { status: "discarded" });
        return true;
      }
    }
    return false;
  }

  // ── answers to writes ────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes the answer to a write. An answer to one that has ended already changes nothing. */
  answered(result: WriteResult): void {
    const key = this.#inFlightKeys.get(result.write);
    const overlay = key === undefined ? undefined : this.#overlays.get(key);
    const inFlight = overlay?.inFlight;
    if (key === undefined || overlay === undefined || inFlight === undefined) return;
    if (result.ok) {
      if (result.duplicate) this.#effects.verify(inFlight.write, result.seq);
      else this.#stored(key, overlay, inFlight, result.seq);
      return;
    }
    const { error } = result;
    if (error.kind === "ambiguous") {
      this.#hold(overlay, { ...inFlight, ambiguous: true, phase: "parked" });
    } else if (error.kind === "unavailable") {
      if (inFlight.ambiguous) this.#hold(overlay, { ...inFlight, phase: "parked" });
      else this.#backToPending(key, overlay, inFlight);
    } else if (error.kind === "conflict") {
      this.#conflicted(key, overlay, inFlight, error);
    } else if (inFlight.ambiguous) {
      // This attempt was refused; one before it may be stored, or still be on its way.
      this.#fail(key, overlay, inFlight, unknownOutcome(key, error));
    } else {
      this.#fail(key, overlay, inFlight, { status: "rejected", error });
    }
  }

  /** Tells what the leader had for a write whose acknowledgement said that `seq` had been stored before. */
  verified(id: number, seq: number, current: Entry | undefined): void {
    if (current) this.apply(current);
    const key = this.#inFlightKeys.get(id);
    const overlay = key === undefined ? undefined : this.#overlays.get(key);
    if (key === undefined || overlay?.inFlight === undefined) return;
    if (current && current.seq > seq) this.#stored(key, overlay, overlay.inFlight, seq);
    else this.#fail(key, overlay, overlay.inFlight, unknownOutcome(key));
  }

  /**
   * The feed is complete again: every write whose answer was lost is sent once more as a compare-and-set on what the
   * key had then, or has ended as `outcome-unknown` where the key has moved on without it.
   */
  resolveAmbiguous(): void {
    for (const [id, key] of this.#inFlightKeys) {
      const overlay = this.#overlays.get(key);
      const inFlight = overlay?.inFlight;
      if (!overlay || inFlight?.phase !== "parked" || inFlight.write.id !== id) continue;
      if (this.knownSeq(key) === inFlight.knownSeq) {
        this.#hold(overlay, { ...inFlight, phase: "released" });
        this.#dirty.add(key);
      } else this.#fail(key, overlay, inFlight, unknownOutcome(key));
    }
  }

  get hasAmbiguous(): boolean {
    for (const key of this.#inFlightKeys.values()) {
      if (this.#overlays.get(key)?.inFlight?.phase === "parked") return true;
    }
    return false;
  }

  #stored(key: string, overlay: Overlay, inFlight: InFlight, seq: number): void {
    const { write } = this.#land(inFlight);
    overlay.inFlight = undefined;
    const isDestroyed = seq < this.#confirmed.floor;
    overlay.base = { seq: isDestroyed ? 0 : seq, value: write.value };
    const confirmed = this.#confirmed.get(key);
    if (confirmed && confirmed.seq > seq) this.#rebase(key, overlay, confirmed);
    else if (!isDestroyed && confirmed?.seq !== seq) overlay.acked = { write, seq, isLost: false };
    this.#end(key, overlay, write, { status: "confirmed", seq });
    if (isDestroyed) this.#effects.localChanged(key);
  }

  #backToPending(key: string, overlay: Overlay, inFlight: InFlight): void {
    const { write } = this.#land(inFlight);
    overlay.inFlight = undefined;
    this.#dirty.add(key);
    if (overlay.pending) this.#end(key, overlay, write, { status: "superseded" });
    else overlay.pending = write;
  }

  #conflicted(key: string, overlay: Overlay, inFlight: InFlight, error: ConatError): void {
    const isStored = error.current !== undefined && error.current.seq > this.#confirmed.floor;
    if (error.current) this.apply(error.current);
    else if (this.#confirmed.get(key)?.kind !== "put") this.#confirmed.drop(key);
    if (overlay.inFlight?.write.id !== inFlight.write.id) return; // it was ours: stored by an earlier attempt
    const { write } = inFlight;
    const remote = this.#confirmed.get(key);
    const gone = !isStored && remote === undefined && inFlight.expectedSeq !== 0;
    if (gone && write.ifSeq === undefined) {
      // The marker that the expected sequence named has expired: there is nothing, and 0 says so.
      overlay.base = { seq: 0, value: overlay.base.value };
      if (inFlight.ambiguous) {
        this.#hold(overlay, { ...inFlight, knownSeq: 0, phase: "released" });
        this.#dirty.add(key);
      } else this.#backToPending(key, overlay, inFlight);
    } else if (inFlight.ambiguous) {
      this.#fail(key, overlay, inFlight, unknownOutcome(key));
    } else if (write.ifSeq !== undefined || !this.#merge || write.merges >= MAX_MERGES) {
      this.#fail(key, overlay, inFlight, {
        status: "rejected",
        error: new ConatError("conflict", `the key has changed: ${error.message}`, {
          current: remote,
        }),
      });
    } else {
      this.#land(inFlight);
      overlay.inFlight = undefined;
      const top = overlay.pending ?? write;
      overlay.pending = {
        ...top,
        id: this.#effects.nextWrite(),
        carries: [...carriedBy(write), ...(overlay.pending ? carriedBy(overlay.pending) : [])],
        merges: write.merges + 1,
      };
      if (remote) this.#rebase(key, overlay, remote);
      this.#tidy(key, overlay);
      this.#dirty.delete(key);
      this.#effects.localChanged(key);
      this.#effects.backOff(key, write.merges + 1);
    }
  }

  /** Ends a write in flight without its having been stored as far as is known. */
  #fail(key: string, overlay: Overlay, inFlight: InFlight, outcome: WriteOutcome): void {
    const { write } = this.#land(inFlight);
    overlay.inFlight = undefined;
    if (overlay.pending) {
      // What is left was built on the failed value: only its own difference is carried over.
      overlay.base = { seq: overlay.base.seq, value: write.value };
      const confirmed = this.#confirmed.get(key);
      if (confirmed && confirmed.seq !== overlay.base.seq) this.#rebase(key, overlay, confirmed);
      this.#dirty.add(key);
    }
    this.#end(key, overlay, write, outcome);
  }

  #land(inFlight: InFlight): InFlight {
    this.#inFlightKeys.delete(inFlight.write.id);
    return inFlight;
  }

  #end(key: string, overlay: Overlay, write: LocalWrite, outcome: WriteOutcome): void {
    if (overlay.pending) this.#dirty.add(key);
    this.#tidy(key, overlay);
    this.#effects.settled(write, outcome);
    if (outcome.status !== "confirmed") this.#effects.localChanged(key);
  }

  // ── entries ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes an entry from the server; one that is not newer than what is known changes nothing. */
  apply(entry: Entry): void {
    if (entry.kind === "floor") {
      this.#applyFloor(entry);
      return;
    }
    const accepted = this.#confirmed.accept(entry);
    if (accepted === undefined) return;
    const { prev, known } = accepted;
    if (prev && this.#confirmed.changesEpoch && this.#isOwn(prev)) {
      this.#superseded(prev.write, toLost(prev), entry);
    }
    this.#observed(known, prev);
  }

  /** Lays the local writes of a key over a new version of it, and tells. */
  #observed(known: Known, prev: Entry | undefined): void {
    const { entry } = known;
    const { key } = entry;
    const overlay = this.#overlays.get(key);
    const inFlight = overlay?.inFlight;
    const acked = overlay?.acked;
    const own = entry.write !== 0 && this.#isOwn(entry);
    let ended: LocalWrite | undefined;
    if (overlay) {
      if (acked?.isLost) {
        this.#superseded(acked.write.id, { ...acked.write, seq: acked.seq }, entry);
      }
      if (acked && (acked.isLost || entry.seq >= acked.seq)) overlay.acked = undefined;
      if (inFlight && own && inFlight.write.id === entry.write) {
        ended = this.#land(inFlight).write;
        overlay.inFlight = undefined;
        overlay.acked = undefined;
        if (overlay.pending) {
          overlay.base = this.#baseOf(entry);
          this.#dirty.add(key);
        }
      } else if (!inFlight && !overlay.acked) {
        if (own) overlay.base = this.#baseOf(entry);
        else this.#rebase(key, overlay, entry);
      }
      this.#tidy(key, overlay);
    }
    if (prev !== undefined || entry.kind === "put" || ended || acked) {
      const above = overlay && this.#overlays.get(key);
      const pending = above !== undefined;
      this.#ending = ended;
      this.#effects.changed({ entry, prev, own, pending, holder: above ?? known });
      this.#ending = undefined;
    }
    if (ended) this.#effects.settled(ended, { status: "confirmed", seq: entry.seq });
  }

  #isOwn(entry: Entry): boolean {
    return entry.origin !== "" && entry.origin === this.ownOrigin;
  }

  /** Puts a foreign version under the pending write: through `merge` where there is one, else as it is. */
  #rebase(key: string, overlay: Overlay, remote: Entry): void {
    const { base, pending } = overlay;
    overlay.base = this.#baseOf(remote);
    if (!pending || !this.#merge || pending.ifSeq !== undefined || this.#isOwn(remote)) return;
    const remoteValue = overlay.base.value;
    let result = pending.value;
    try {
      result = this.#merge(key, base.value, pending.value, remoteValue);
    } catch (error) {
      this.#effects.mergeFailed(key, error);
    }
    // The merge has itself written to the key, or taken the write back: that is newer than what it returned.
    if (overlay.pending !== pending) return;
    if (equalBytes(result, remoteValue)) {
      overlay.pending = undefined;
      this.#dirty.delete(key);
      this.#effects.settled(pending, { status: "superseded" });
    } else {
      const id = this.#effects.nextWrite();
      overlay.pending = { ...pending, id, carries: carriedBy(pending), value: result };
      this.#dirty.add(key);
    }
    this.#effects.merged({ key, prev: base.value, local: pending.value, remote, result });
  }

  /** Everything that was stored before the floor is gone, what was acknowledged and never seen included. */
  #applyFloor({ seq, time, kind }: Entry): void {
    const gone = this.#confirmed.raiseFloor(seq);
    if (gone === undefined) return;
    const removed = new Map<string, Known | undefined>(
      gone.map((known) => [known.entry.key, known]),
    );
    for (const [key, overlay] of this.#overlays) {
      const { acked, inFlight } = overlay;
      if (acked && acked.seq < seq && !removed.has(key)) removed.set(key, undefined);
      // What the key holds no longer tells whether such a write was stored before.
      if (inFlight?.phase === "parked") overlay.inFlight = { ...inFlight, knownSeq: NEVER };
    }
    for (const [key, known] of removed) this.#removed(createEntry({ key, seq, time, kind }), known);
  }

  /** The key of `removal` is gone without a marker of its own. */
  #removed(removal: Entry, known: Known | undefined): void {
    const { key } = removal;
    const prev = known?.entry;
    const overlay = this.#overlays.get(key);
    const acked = overlay?.acked;
    const isAckedGone =
      removal.kind === "floor" ? acked && acked.seq < removal.seq : acked && !overlay?.inFlight;
    if (overlay && isAckedGone) overlay.acked = undefined;
    if (overlay && !overlay.acked) {
      if (overlay.pending && !overlay.inFlight) this.#rebase(key, overlay, removal);
      overlay.base = { seq: 0, value: overlay.base.value };
      this.#tidy(key, overlay);
    }
    if (prev?.kind !== "put" && !(isAckedGone && acked?.write.value)) return;
    const above = this.#overlays.get(key);
    const pending = above !== undefined;
    const holder = above ?? known ?? { remembered: undefined };
    this.#effects.changed({ entry: removal, prev, own: false, pending, holder });
  }

  // ── the feed ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A snapshot or delta begins. */
  reset(event: FeedReset): void {
    if (!this.#confirmed.reset(event)) return;
    for (const overlay of this.#overlays.values()) {
      overlay.base = { seq: 0, value: overlay.base.value };
      if (overlay.acked) overlay.acked = { ...overlay.acked, isLost: true };
    }
  }

  /** The snapshot or delta is complete: what it has not named is gone. */
  synced(checkpoint: Checkpoint): void {
    const newEpoch = this.#confirmed.changesEpoch;
    for (const known of this.#confirmed.synced(checkpoint)) {
      const { entry } = known;
      const { seq, time } = checkpoint;
      if (newEpoch && entry.kind === "put" && this.#isOwn(entry)) this.#lose(toLost(entry));
      this.#removed(createEntry({ key: entry.key, seq, time, kind: "delete" }), known);
    }
    if (newEpoch) this.#endEpoch();
  }

  /** Forgets removals when they pile up, except where a local write may have to name one. */
  forgetMarkers(): void {
    this.#confirmed.forgetMarkers((key) => this.#overlays.has(key));
  }

  /** Writes of a lost epoch: what was acknowledged and is not there is lost; what was under way starts anew. */
  #endEpoch(): void {
    for (const [key, overlay] of this.#overlays) {
      if (overlay.acked?.isLost) {
        const { write, seq } = overlay.acked;
        overlay.acked = undefined;
        this.#tidy(key, overlay);
        this.#lose({ ...write, seq });
        this.#effects.localChanged(key);
      }
      const { inFlight } = overlay;
      if (inFlight === undefined || inFlight.phase === "sent") continue;
      // What is there may be from before the write, or from after it was stored and overwritten.
      const isInDoubt = inFlight.write.ifSeq !== undefined || this.knownSeq(key) !== 0;
      if (isInDoubt) this.#fail(key, overlay, inFlight, unknownOutcome(key));
      else overlay.inFlight = { ...inFlight, knownSeq: 0 };
    }
    const lost = [...this.#lost.values()];
    this.#lost.clear();
    if (lost.length > 0) this.#effects.lost(lost);
  }

  /** An entry of a new epoch has taken the place of a write of this session in the epoch before. */
  #superseded(write: number, before: LostWrite, entry: Entry): void {
    const isLater = this.#isOwn(entry) && entry.write >= write;
    const isSame = equalBytes(before.value, storedValue(entry));
    if (!isLater && !isSame) this.#lose(before);
  }

  #lose(write: LostWrite): void {
    if ((this.#lost.get(write.key)?.seq ?? 0) < write.seq) this.#lost.set(write.key, write);
  }

  /** Ends every write that has not ended yet. */
  close(error: ConatError): void {
    for (const [key, overlay] of this.#overlays) {
      const { inFlight, pending } = overlay;
      this.#drop(key, overlay);
      if (inFlight) {
        const sent = inFlight.ambiguous || inFlight.phase === "sent";
        this.#effects.settled(
          inFlight.write,
          sent ? unknownOutcome(key) : { status: "rejected", error },
        );
      }
      if (pending) this.#effects.settled(pending, { status: "rejected", error });
      this.#effects.localChanged(key);
    }
    this.#dirty.clear();
    this.#inFlightKeys.clear();
  }

  /** Drops every value of a store that is closed: its reader may not see them any more. */
  forget(): void {
    const keys = [...this.keys()];
    this.#confirmed.clear();
    for (const key of keys) this.#effects.localChanged(key);
  }

  #overlayFor(key: string): Overlay {
    let overlay = this.#overlays.get(key);
    if (overlay === undefined) {
      const known = this.#confirmed.known(key);
      overlay = {
        base: known ? this.#baseOf(known.entry) : NO_BASE,
        pending: undefined,
        inFlight: undefined,
        acked: undefined,
        remembered: known?.remembered,
      };
      this.#overlays.set(key, overlay);
    }
    return overlay;
  }

  /** An entry as the ancestor of what is written over it. Only a merge asks for it. */
  #baseOf(entry: Entry): Base {
    return this.#merge ? { seq: entry.seq, value: storedValue(entry) } : NO_BASE;
  }

  #tidy(key: string, overlay: Overlay): void {
    const { pending, inFlight, acked } = overlay;
    if (!pending && !inFlight && !acked) this.#drop(key, overlay);
  }

  /** What the overlay showed may be what is shown without it: the value stays the same object. */
  #drop(key: string, overlay: Overlay): void {
    // A merge that takes its write back ends the overlay, and with its next write begins another.
    if (this.#overlays.get(key) !== overlay) return;
    this.#overlays.delete(key);
    const { remembered } = overlay;
    const known = remembered && this.#confirmed.known(key);
    if (known) known.remembered = remembered;
  }
}
