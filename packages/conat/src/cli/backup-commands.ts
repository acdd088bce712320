import * as v from "valibot";
import { backUp } from "../backup/back-up.ts";
import { carryOutRestore, planRestore, type RestoreOptions } from "../backup/restore.ts";
import { defaultAddress, parseAddress } from "../client/address.ts";
import { type JetstreamSession, openJetstream } from "../jetstream/index.ts";
import { usageError } from "./exit.ts";
import { readSeed } from "./nkey-file.ts";
import { printJson, say, toTimeText } from "./output.ts";

const bucketOptions = v.object({
  address: v.optional(v.string()),
  token: v.optional(v.string()),
  nkey: v.optional(v.string()),
  timeout: v.number(),
});

/** Connects straight to NATS, does the work, and closes. @throws CommandFailure or ConatError */
export async function withBuckets(
  given: unknown,
  replicas: number | undefined,
  work: (session: JetstreamSession) => Promise<void>,
): Promise<void> {
  const { address, token, nkey, timeout } = v.parse(bucketOptions, given);
  const parsed = parseAddress(address ?? defaultAddress());
  if (parsed.kind !== "nats") {
    throw usageError("backups go straight to NATS: give its address, nats://host:port");
  }
  const session = await openJetstream({
    servers: parsed.servers,
    name: "conat backup",
    token,
    nkeySeed: nkey === undefined ? undefined : readSeed(nkey),
    replicas,
    connectTimeoutMs: timeout,
  });
  try {
    await work(session);
  } finally {
    await session.close();
  }
}

/** Writes everything to a file, and prints how much that was. */
export async function backup(session: JetstreamSession, file: string): Promise<void> {
  const { entries, foreign } = await backUp(session, file);
  if (foreign > 0) say(`${foreign} messages that conat did not write are not in the backup`);
  printJson({ file, entries });
}

/** Makes the stores what they were, or prints what that would change. */
export async function restore(
  session: JetstreamSession,
  file: string,
  options: RestoreOptions & { readonly yes?: boolean },
): Promise<void> {
  const plan = await planRestore(session, file, options);
  const summary = {
    from: toTimeText(plan.time),
    written: plan.writes.length,
    removed: plan.removals.length,
    unchanged: plan.unchanged,
  };
  if (options.yes !== true) {
    say("nothing was changed: say --yes to do this");
  } else {
    await carryOutRestore(session, plan);
  }
  printJson(summary);
}
