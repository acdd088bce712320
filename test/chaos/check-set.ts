import type { Findings, Run } from "./check.ts";
import type { History } from "./history.ts";

/** What became of the client's wish, or of the later one that took its place. */
type Fate = "certain" | "refused" | "unknown";

interface Wish {
  readonly n: number;
  readonly members: ReadonlySet<unknown>;
  readonly fate: Fate;
}

/**
 * A set that all clients change, with a merge: what was added for certain and not taken out is there, what was taken out
 * for certain is not. Each member is added and taken out by one client only.
 */
export function checkSet({ histories, evidence }: Run): Findings {
  const stored = evidence.bucket.find(({ store, key }) => store === "set" && key === "members");
  const members = new Set(Array.isArray(stored?.value) ? stored.value : []);
  const problems: string[] = [];
  let certain = 0;
  for (const history of histories) {
    const wishes = wishesOf(history);
    for (const [at, { n, members: wanted, fate }] of wishes.entries()) {
      const member = `${history.client}#${n}`;
      if (!wanted.has(member)) continue;
      const removal = wishes.slice(at + 1).find((later) => !later.members.has(member));
      if (fate === "certain" && removal === undefined) {
        certain += 1;
        if (!members.has(member)) problems.push(`the member ${member} was added and is missing`);
      }
      if (removal?.fate === "certain" && fate === "certain" && members.has(member)) {
        problems.push(`the member ${member} was taken out and is there`);
      }
      members.delete(member);
    }
  }
  problems.push(...Array.from(members, (member) => `nobody added the member ${String(member)}`));
  return { problems, figures: { "members of the merged set": certain } };
}

/** Every change of the set that a client has wished for, in order. */
function wishesOf({ client: _client, events }: History): Wish[] {
  const ends = new Map<number, string>();
  for (const event of events) if (event.type === "end") ends.set(event.n, event.status);
  const wishes: Wish[] = [];
  let next: Fate = "certain";
  for (const event of events.toReversed()) {
    if (event.type !== "intent" || event.store !== "set") continue;
    const status = ends.get(event.n);
    // A write is superseded by the next one of its client, or by a merge that had nothing to add to what was stored.
    if (status === "confirmed") next = "certain";
    else if (status === "rejected" || status === "discarded") next = "refused";
    else if (status !== "superseded") next = "unknown";
    const members = new Set(Array.isArray(event.value) ? event.value : []);
    wishes.unshift({ n: event.n, members, fate: next });
  }
  return wishes;
}
