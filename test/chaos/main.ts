import { parseOptions, toNumber } from "../parse-options.ts";
import type { CastSize } from "./fault.ts";
import { CONVERGE_WITHIN_MS, quickOptions } from "./quick.ts";
import { type ChaosOptions, runChaos } from "./run.ts";
import { createSchedule } from "./schedule.ts";

/** One cause has many effects; the first of them say the most. */
const MAX_SHOWN_PROBLEMS = 50;

const HELP = `npm run chaos -- [options]

Lets clients read and write while servers, hubs and lines fail, and checks that nothing was lost, stored twice or
shown wrongly: three nats-servers, two hubs, eight clients in processes of their own and a page in Chromium.

  --seconds <n>  how long the clients work (default 600)
  --seed <n>     decides about faults and work (default: taken from the clock)
  --quick        the small cast of every test run: one nats-server, two hubs, four clients, 15 s, fixed faults
  --no-browser   leave out the page
  --help         show this`;

const values = parseOptions(
  {
    help: { type: "boolean", default: false },
    seconds: { type: "string", default: "600" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    quick: { type: "boolean", default: false },
    "no-browser": { type: "boolean", default: false },
  },
  HELP,
);

function fullOptions(seed: number, seconds: number, pages: number): Omit<ChaosOptions, "log"> {
  const size: CastSize = { nodes: 3, hubs: 2, clients: 8, pages };
  const workMs = seconds * 1_000;
  return {
    size,
    seed,
    pauseMs: 100,
    chromiumPath: process.env.CONAT_CHROMIUM,
    schedule: createSchedule(seed, workMs, size),
    workMs,
    convergeWithinMs: CONVERGE_WITHIN_MS,
  };
}

async function main(): Promise<number> {
  const seed = toNumber("seed", values.seed, 0, HELP);
  const options = values.quick
    ? quickOptions(seed)
    : fullOptions(seed, toNumber("seconds", values.seconds, 1, HELP), values["no-browser"] ? 0 : 1);
  const { problems, figures } = await runChaos({ ...options, log: console.log });
  for (const [name, figure] of Object.entries(figures)) console.log(`${name}: ${figure}`);
  for (const problem of problems.slice(0, MAX_SHOWN_PROBLEMS)) console.log(`PROBLEM ${problem}`);
  if (problems.length === 0) {
    console.log("every promise was kept");
    return 0;
  }
  console.log(`${problems.length} promises were broken; the same faults again: --seed ${seed}`);
  return 1;
}

if (values.help) console.log(HELP);
else process.exitCode = await main();
