import { writeFileSync } from "node:fs";
import { resolveNatsServer } from "@conat/hub/nats-server";
import { type Peer, providePeers } from "./framework/peers.ts";
import { benchTable, machine, summaryTable, toJson } from "./framework/report.ts";
import { type RowResult, type RunOptions, runBench } from "./framework/run-bench.ts";
import { type BenchOptions, parseOptions } from "./options.ts";

const options = parseOptions(process.argv.slice(2));
if (options.list) list(options);
else process.exitCode = await measure(options);

function list({ benches }: BenchOptions): void {
  for (const { rows } of benches) {
    for (const { name, title } of rows) console.log(`${name.padEnd(26)} ${title}`);
  }
}

/** Returns the exit code: 1 when something could not be measured. A missed target is no failure. */
async function measure(options: BenchOptions): Promise<number> {
  const { benches, rounds, scale, cpuProf, json } = options;
  const log = (line: string): void => console.error(line);
  const { path } = await resolveNatsServer({ log });
  const isCompared = options.peers && benches.some((bench) => bench.hasPeers);
  const peers = isCompared ? await providePeers(log) : new Set<Peer>();
  const run: RunOptions = {
    natsServerBinary: path,
    cpuProfileDir: cpuProf,
    peers,
    rounds,
    scale,
    log,
  };
  const results: RowResult[] = [];
  const failed: string[] = [];
  console.log(
    Object.entries(machine())
      .map(([name, value]) => `${name}: ${value}`)
      .join(", "),
  );
  if (Number(machine().load) > Number(machine().cores) / 2) {
    log("this machine has other work to do: believe ratios of best rounds and processor time");
  }
  for (const bench of benches) {
    try {
      const rows = await runBench(bench, run);
      results.push(...rows);
      console.log(benchTable(rows));
    } catch (error) {
      failed.push(bench.name);
      console.error(`${bench.name} could not be measured:`, error);
    }
    // After each bench, so that a long run that is interrupted leaves something.
    if (json !== undefined) writeFileSync(json, toJson(results, failed));
  }
  if (results.length > 1) console.log(`\n${summaryTable(results)}`);
  if (failed.length === 0) return 0;
  console.log(`\nnot measured: ${failed.join(", ")}`);
  return 1;
}
