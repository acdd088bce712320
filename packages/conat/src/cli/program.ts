import { readFileSync } from "node:fs";
import { Command, Option } from "commander";
import * as v from "valibot";
import { backup, restore, withBuckets } from "./backup-commands.ts";
import { usageError } from "./exit.ts";
import { parseDurationMs, parseIds, parseSequence } from "./parse-arguments.ts";
import { get, ls, watch } from "./read-commands.ts";
import { checkDestroy, destroy, stores } from "./store-commands.ts";
import { takesNkey, withTarget } from "./target.ts";
import { readValue, remove, set } from "./write-commands.ts";

const DEFAULT_TIMEOUT_MS = 10_000;

const INTRODUCTION = `Reads and writes conat's stores, through a hub or straight on NATS.

Prints JSON, one value per line. What JSON cannot carry is shown as {"$date": …}, {"$bytes": …}, {"$bigint": …},
{"$number": …}, {"$map": …} or {"$set": …}.`;

const EXAMPLES = `
Examples:
  $ export CONAT_URL=http://127.0.0.1:4400
  $ conat set milk '{"text":"Buy milk","done":false}' --project demo --store todos
  {"key":"milk","seq":17}
  $ conat get milk --project demo --store todos
  {"text":"Buy milk","done":false}
  $ conat ls --long --project demo --store todos | jq -r .value.text
  Buy milk
  $ date | conat set now - --string --ttl 1h --project demo --store clock --ephemeral
  $ conat watch --snapshot --project demo --store todos
  $ conat backup monday.conat --address nats://127.0.0.1:4222
  $ conat stores --project demo --address nats://127.0.0.1:4222

Exit codes: 0 done, 1 failed, 2 wrong use, 3 no such key or store.
A failure is one sentence on standard error.`;

const packageFile = v.object({ version: v.string() });

/** The command line of `conat`. @param stop aborted when the command is to end */
export function createProgram(stop: AbortSignal): Command {
  const program = new Command("conat")
    .description(INTRODUCTION)
    .version(readVersion())
    .addOption(
      new Option(
        "--address <url>",
        "http(s):// or ws(s):// for a hub, nats:// or tls:// for NATS itself",
      ).env("CONAT_URL"),
    )
    .addOption(new Option("--token <token>", "proves who you are").env("CONAT_TOKEN"))
    .addOption(
      new Option(
        "--nkey <file>",
        "to NATS itself: file with the seed (SU…) of the nkey that proves who you are",
      ).env("NATS_NKEY"),
    )
    .hook("preAction", () => {
      if (program.getOptionValueSource("nkey") !== "cli" || takesNkey(program.opts())) return;
      throw usageError("--nkey goes with an address of NATS itself, and without --as-project");
    })
    .option("--project <id>", "the stores of this project")
    .option("--account <id>", "the stores of this account")
    .option("--hub", "the stores of the hub itself")
    .option("--store <name>", "the store; any string")
    .option("--ephemeral", "the store of that name in the server's memory, not the one on disk")
    .option("--as-account <id>", "to a hub in development mode: be this account")
    .addOption(
      new Option("--projects <ids>", "with --as-account: the projects it may edit").argParser(
        parseIds,
      ),
    )
    .option(
      "--as-project <id>",
      "be this project's own backend: to a hub in development mode, or at NATS to the hub behind it",
    )
    .addOption(
      new Option("--timeout <duration>", "how long to wait for the connection")
        .argParser(parseDurationMs)
        .default(DEFAULT_TIMEOUT_MS, "10s"),
    )
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, "conat: ")),
    })
    .exitOverride()
    .addHelpText("after", EXAMPLES);

  const ifSeq = (what: string): Option =>
    new Option("--if-seq <sequence>", what).argParser(parseSequence);

  program
    .command("get <key>")
    .description("print the value of a key")
    .option("--string", "print a string without quotes")
    .option("--raw", "print the stored bytes")
    .option("-l, --long", "print key, value, sequence, time, lifetime and headers")
    .action((key, options, command) =>
      withTarget(command.optsWithGlobals(), (target) => get(target, key, options)),
    );

  program
    .command("set <key> <value>")
    .description('store a value, given as JSON; "-" reads it from standard input')
    .option("--string", "the value is a string as it is, not JSON")
    .addOption(ifSeq("store only if the key has this sequence; 0: only if it does not exist"))
    .addOption(
      new Option("--ttl <duration>", "let it expire, after 90s, 15m, 1.5h, 30d …").argParser(
        parseDurationMs,
      ),
    )
    .action(async (key, text, options, command) => {
      const value = await readValue(text, options);
      await withTarget(command.optsWithGlobals(), (target) => set(target, key, value, options));
    });

  program
    .command("delete <key>")
    .alias("rm")
    .description("delete a key")
    .addOption(ifSeq("delete only if the key has this sequence"))
    .action((key, options, command) =>
      withTarget(command.optsWithGlobals(), (target) => remove(target, key, options)),
    );

  program
    .command("ls")
    .description("print the keys of a store")
    .option("-l, --long", "print key, value, sequence, time and headers")
    .action((options, command) =>
      withTarget(command.optsWithGlobals(), (target) => ls(target, options)),
    );

  program
    .command("watch [keys...]")
    .description("print changes as they happen, of all keys or of those named, until Ctrl-C")
    .option("--snapshot", "print what is there first")
    .action((keys, options, command) =>
      withTarget(command.optsWithGlobals(), (target) => watch(target, keys, options, stop)),
    );

  program
    .command("stores")
    .description("print the stores that have a key, and how many")
    .action((_options, command) =>
      withTarget(command.optsWithGlobals(), (target) => stores(target)),
    );

  program
    .command("destroy")
    .description("remove every key of a store, for everybody, also for who is away now")
    .option("--all", "every store of the project or account")
    .option("--yes", "this is meant")
    .action(async (options, command) => {
      const all = command.optsWithGlobals();
      checkDestroy(options, all.store);
      await withTarget(all, (target) => destroy(target, options));
    });

  program
    .command("backup <file>")
    .description("write everything that is stored on disk to a file, straight from NATS")
    .action((file, _options, command) =>
      withBuckets(command.optsWithGlobals(), undefined, (session) => backup(session, file)),
    );

  program
    .command("restore <file>")
    .description("make the stores on disk what they were in a backup, while the system runs")
    .addOption(
      new Option("--replicas <number>", "copies that a cluster keeps of buckets made now")
        .argParser(parseSequence)
        .default(1),
    )
    .option("--keep", "leave keys that the backup does not have")
    .option("--yes", "this is meant; without it only what would be done is printed")
    .action((file, options, command) =>
      withBuckets(command.optsWithGlobals(), options.replicas, (session) =>
        restore(session, file, options),
      ),
    );

  return program;
}

function readVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return v.parse(packageFile, JSON.parse(text)).version;
}
