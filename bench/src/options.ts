import { Command, InvalidArgumentError } from "commander";
import { BENCHES } from "./benches/index.ts";
import type { Bench } from "./framework/bench.ts";

export interface BenchOptions {
  /** What to measure. */
  readonly benches: readonly Bench[];
  readonly rounds: number;
  /** Part of the full number of operations in each round. */
  readonly scale: number;
  /** Whether to compare with systems that have to be installed. */
  readonly peers: boolean;
  readonly list: boolean;
  readonly json: string | undefined;
  readonly cpuProf: string | undefined;
}

const DEFAULT_ROUNDS = 5;
const QUICK_SCALE = 0.02;

interface Flags {
  readonly rounds: number;
  readonly quick?: boolean;
  readonly large?: boolean;
  readonly peers: boolean;
  readonly list?: boolean;
  readonly json?: string;
  readonly cpuProf?: string;
}

/** Reads the command line; prints what is wrong with it, or the help, and ends the process. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const command = new Command("npm run bench --")
    .description(
      "Measures conat beside what it is built on, and beside other systems, in turn in one run. Reports; fails nothing.",
    )
    .argument("[row...]", "what to measure: names of rows, or how they begin; everything without")
    .option("--rounds <number>", "rounds; figures are medians of them", parseRounds, DEFAULT_ROUNDS)
    .option("--quick", "one short round, to see that everything runs; figures mean nothing")
    .option("--large", "include what takes minutes, such as 1,000,000 keys")
    .option("--no-peers", "leave out @prsm/realtime and deepstream, which have to be installed")
    .option("--json <file>", "write the figures to a file as well")
    .option("--cpu-prof <folder>", "write a processor profile of every Node process")
    .option("--list", "show the rows and end")
    .parse(args, { from: "user" });
  const flags = command.opts<Flags>();
  const wanted = command.args;
  const chosen = new Set(wanted.flatMap((name) => select(name)));
  const benches = BENCHES.filter((bench) =>
    wanted.length === 0 ? flags.large || !bench.large : chosen.has(bench),
  );
  for (const name of wanted) {
    if (select(name).length === 0) {
      command.error(`error: there is no row that begins with ${name}; --list shows them`);
    }
  }
  return {
    benches,
    rounds: flags.quick ? 1 : flags.rounds,
    scale: flags.quick ? QUICK_SCALE : 1,
    peers: flags.peers,
    list: flags.list ?? false,
    json: flags.json,
    cpuProf: flags.cpuProf,
  };
}

/** What a name stands for: the row or bench that is called so, else all that begin so. Rows of a bench go together. */
function select(name: string): Bench[] {
  const matching = (matches: (own: string) => boolean): Bench[] =>
    BENCHES.filter((bench) => [bench.name, ...bench.rows.map((row) => row.name)].some(matches));
  const exact = matching((own) => own === name);
  return exact.length > 0 ? exact : matching((own) => own.startsWith(name));
}

function parseRounds(text: string): number {
  const rounds = Number(text);
  if (Number.isSafeInteger(rounds) && rounds > 0) return rounds;
  throw new InvalidArgumentError("it must be a whole number from 1");
}
