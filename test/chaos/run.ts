import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { eventually } from "@conat/conat/testing";
import { applyFault } from "./apply-fault.ts";
import { Cast, type CastOptions } from "./cast.ts";
import { check, differences, type Findings } from "./check.ts";
import { aliveIn } from "./check-alive.ts";
import { Witness } from "./evidence.ts";
import { type Act, describeAct, type Fault, slotOf } from "./fault.ts";
import { ALIVE, type Dump } from "./history.ts";
import type { ChaosClient } from "./process-client.ts";

export interface ChaosOptions extends CastOptions {
  readonly schedule: readonly Act[];
  /** The clients work for this long, in milliseconds. */
  readonly workMs: number;
  /** Time from the end of the work until every write has ended and everybody shows the same, in milliseconds. */
  readonly convergeWithinMs: number;
  readonly log: (line: string) => void;
}

/** Within which the key of a client that says goodbye is gone, in milliseconds: sooner than its lifetime ends. */
const LEAVES_WITHIN_MS = 4_000;

/** Lets clients work while things go wrong, and finds out whether every promise was kept. */
export async function runChaos(options: ChaosOptions): Promise<Findings> {
  const { size, workMs, schedule, convergeWithinMs, log } = options;
  const cast = await Cast.start(options);
  let witness: Witness | undefined;
  try {
    witness = await Witness.start(cast.natsUrl);
    await cast.startClients();
    log(`${size.nodes} nats-servers, ${size.hubs} hubs, ${cast.clients().length} clients at work`);
    await perform(cast, schedule, workMs, log);
    log("all faults are mended; waiting until everything written has ended");
    const mendedAt = performance.now();
    await settle(cast.clients(), convergeWithinMs);
    const settledMs = performance.now() - mendedAt;
    const dumps = await converge(cast.clients(), witness, convergeWithinMs - settledMs);
    const convergedMs = performance.now() - mendedAt;
    const findings = check({
      histories: cast.everybody.map((client) => client.history()),
      evidence: await witness.collect(),
      dumps,
      // Nodes that start again have lost their copy; another one that dies soon after may take the last with it.
      losesMemory: schedule.some(({ fault }) => isEndOfServer(fault)),
    });
    await Promise.all(cast.clients().map((client) => client.close()));
    const left = await stillAlive(witness);
    return {
      problems: [
        ...findings.problems,
        ...left.map((name) => `${name} has left, and its key has not`),
      ],
      figures: {
        seed: options.seed,
        faults: schedule.length,
        ...findings.figures,
        "every write ended after the last fault, ms": Math.round(settledMs),
        "everybody showed the same after the last fault, ms": Math.round(convergedMs),
      },
    };
  } finally {
    await witness?.close();
    await cast.close();
  }
}

async function perform(
  cast: Cast,
  schedule: readonly Act[],
  workMs: number,
  log: (line: string) => void,
): Promise<void> {
  const startedAt = performance.now();
  const until = (atMs: number): Promise<void> => sleep(startedAt + atMs - performance.now());
  const faults = new Map<string, Promise<void>>();
  for (const act of schedule) {
    await until(act.atMs);
    log(describeAct(act));
    // What takes longer to start again than it should is not killed meanwhile.
    const slot = slotOf(act.fault);
    const before = faults.get(slot) ?? Promise.resolve();
    faults.set(
      slot,
      before.then(() => applyFault(cast, act)),
    );
  }
  await until(workMs);
  await Promise.all(faults.values());
}

function isEndOfServer({ kind, target }: Fault): boolean {
  const isServer = target === "nats" || target === "leader";
  return isServer && (kind === "kill" || kind === "terminate");
}

async function settle(clients: readonly ChaosClient[], withinMs: number): Promise<void> {
  const deadline = new AbortController();
  const late = sleep(withinMs, undefined, { signal: deadline.signal }).catch(() => undefined);
  await Promise.race([Promise.all(clients.map((client) => client.stop())), late]);
  deadline.abort();
}

/** Clients whose key is there some time after all have closed. */
async function stillAlive(witness: Witness): Promise<string[]> {
  let left: string[] = [];
  const areGone = async (): Promise<boolean> => {
    left = [...aliveIn(await witness.bucket())];
    return left.length === 0;
  };
  await eventually(areGone, { timeoutMs: LEAVES_WITHIN_MS, intervalMs: 100 }).catch(() => {});
  return left;
}

/** Resolves with what clients show when all of them show what is stored, or when the time is up. */
async function converge(
  clients: readonly ChaosClient[],
  witness: Witness,
  withinMs: number,
): Promise<ReadonlyMap<string, Dump>> {
  const dumps = new Map<string, Dump>();
  const isEqual = async (): Promise<boolean> => {
    const before = await witness.bucket();
    for (const client of clients) dumps.set(client.name, await client.dump());
    const bucket = await witness.bucket();
    // What has a short life ends it before the end is looked at.
    if (bucket.some(({ store, value }) => store === "short" && value !== null)) return false;
    // Everybody who is there, and nobody else.
    const names = clients.map(({ name }) => name);
    if (!isDeepStrictEqual(aliveIn(bucket), new Set(names))) return false;
    const newest = (facts: typeof bucket): number =>
      Math.max(0, ...facts.map(({ store, seq }) => (store === ALIVE ? 0 : seq)));
    return (
      newest(before) === newest(bucket) &&
      [...dumps.values()].every((dump) => differences(dump, { bucket }).length === 0)
    );
  };
  await eventually(isEqual, { timeoutMs: Math.max(1_000, withinMs), intervalMs: 100 }).catch(
    () => undefined,
  );
  return dumps;
}
