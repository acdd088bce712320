import { dkv } from "@conat/conat";
import { eventually } from "@conat/conat/testing";
import { parseOptions, toNumber } from "../parse-options.ts";
import { type CycleReport, runCycles } from "./cycles.ts";
import { project_id, type Stage, startStage } from "./stage.ts";

/**
 * What a cycle may add to the heap, in bytes. A store that is left behind takes some kilobytes, a client tens of them;
 * code that the engine compiles meanwhile counts as well, and moves the line by less than this.
 */
const MAX_BYTES_PER_OPEN = 128;
const MAX_BYTES_PER_CONNECT = 4_096;

/** Fewer say nothing about a slope. */
const MIN_CONNECTS = 500;

const HELP = `npm run soak -- [options]

Opens and closes again and again, behind a hub and straight on NATS, and shows what that leaves behind: by how much heap,
handles and subscriptions rise per cycle. Fails when a count is not what it was before, or the heap grows.

  --seconds <n>  connect, open a store, write, disconnect, for so long (default 1800)
  --opens <n>    open and close so many stores on one connection instead
  --help         show this`;

const values = parseOptions(
  {
    help: { type: "boolean", default: false },
    seconds: { type: "string", default: "1800" },
    opens: { type: "string" },
  },
  HELP,
);

const PROGRESS_MS = 10_000;

/** A line now and then, so that it can be seen to go on. */
function showProgress(what: string): (cycles: number, heapBytes: number) => void {
  let shownAt = performance.now();
  return (cycles, heapBytes) => {
    if (performance.now() < shownAt + PROGRESS_MS) return;
    shownAt = performance.now();
    console.error(`${cycles} ${what}, heap ${(heapBytes / 1_000_000).toFixed(1)} MB`);
  };
}

/** Stores on one connection. */
function openAndClose(stage: Stage, address: string, opens: number): Promise<CycleReport> {
  const client = stage.enter(address);
  return runCycles({
    servers: stage,
    concurrency: 20,
    stride: Math.max(1, Math.floor(opens / 10)),
    warmUp: 4,
    onLook: showProgress("stores"),
    goOn: (cycles) => cycles < opens,
    cycle: async (at) => {
      const store = await dkv({ client, project_id, name: `s${at}` });
      store.on("change", () => {});
      await store.close();
    },
  }).finally(() => client.close());
}

/** Clients that come, write and go. */
function comeAndGo(stage: Stage, address: string, seconds: number): Promise<CycleReport> {
  return runCycles({
    servers: stage,
    concurrency: 4,
    stride: 100,
    warmUp: 10,
    onLook: showProgress("connections"),
    goOn: (cycles, elapsedMs) => cycles < MIN_CONNECTS || elapsedMs < seconds * 1_000,
    cycle: async (at) => {
      const client = stage.enter(address);
      const store = await dkv({ client, project_id, name: "churn" });
      store.set(`k${at % 100}`, at);
      store.set(`u${at % 100}`, at, { untilDisconnect: true });
      await store.close();
      await client.close();
    },
  });
}

/** Everything that keeps this process alive, timers included. */
function whatRuns(): string {
  return process.getActiveResourcesInfo().toSorted().join(" ");
}

async function main(): Promise<number> {
  const seconds = toNumber("seconds", values.seconds, 0, HELP);
  const opens = values.opens && toNumber("opens", values.opens, 1, HELP);
  const before = whatRuns();
  const stage = await startStage();
  let isClean = true;
  try {
    const ways = { "behind a hub": stage.hubUrl, "straight on NATS": stage.natsUrl };
    for (const [way, address] of Object.entries(ways)) {
      const [what, most, report] =
        typeof opens !== "number"
          ? ["connections", MAX_BYTES_PER_CONNECT, await comeAndGo(stage, address, seconds / 2)]
          : ["stores", MAX_BYTES_PER_OPEN, await openAndClose(stage, address, opens)];
      console.log(`${report.cycles} ${what} ${way}, opened and closed; rise with each of them:`);
      console.log(`  heap: ${report.heapBytesPerCycle.toFixed(1)} bytes (at most ${most})`);
      console.log(`  handles: ${report.handlesPerCycle.toFixed(4)}`);
      console.log(`  subscriptions: ${report.subscriptionsPerCycle.toFixed(4)}`);
      for (const [name, difference] of Object.entries(report.left)) {
        console.log(`  PROBLEM ${name}: ${difference}`);
      }
      if (report.heapBytesPerCycle > most) console.log("  PROBLEM the heap grows");
      isClean &&= Object.keys(report.left).length === 0 && report.heapBytesPerCycle <= most;
    }
  } finally {
    await stage.close();
  }
  await eventually(() => whatRuns() === before).catch(() => {
    console.log(`PROBLEM when everything is closed there still is: ${whatRuns()}`);
    isClean = false;
  });
  console.log(isClean ? "nothing is left behind" : "something is left behind");
  return isClean ? 0 : 1;
}

if (values.help) console.log(HELP);
else process.exitCode = await main();
