import { describe, expect, it } from "vitest";
import { explain } from "./exit.ts";
import { createProgram } from "./program.ts";

interface Outcome {
  readonly exitCode: number;
  /** What was printed, and said in the end. */
  readonly text: string;
}

/** Runs a command line that ends before anything is connected. */
async function run(...args: string[]): Promise<Outcome> {
  let text = "";
  const write = (part: string): void => {
    text += part;
  };
  const program = createProgram(new AbortController().signal);
  for (const command of [program, ...program.commands]) {
    command.configureOutput({ writeOut: write, writeErr: write });
  }
  try {
    await program.parseAsync(args, { from: "user" });
    return { exitCode: 0, text };
  } catch (error) {
    const { exitCode, message } = explain(error);
    return { exitCode, text: text + message };
  }
}

describe("a command line that makes no sense exits with 2 and says why", () => {
  const scope = ["--project", "p"];
  const store = [...scope, "--store", "s"];
  const address = ["--address", "http://127.0.0.1:1"];
  const nats = ["--address", "nats://127.0.0.1:1"];

  it.each([
    ["no command", [], "Usage: conat"],
    ["a wrong command", ["gte", "k"], "unknown command 'gte'"],
    ["a key that is missing", ["get"], "missing required argument 'key'"],
    ["one value too many", ["set", "k", "1", "2", ...store], "too many arguments"],
    ["a wrong option", ["get", "k", "--nonsense"], "unknown option '--nonsense'"],
    ["no scope", ["get", "k", "--store", "s", ...address], "exactly one of --project ID"],
    ["two scopes", ["ls", ...store, "--account", "a", ...address], "exactly one of --project ID"],
    ["an address that is none", ["ls", ...store, "--address", "localhost"], "is no address"],
    ["no key", ["ls", ...store, ...nats, "--nkey", "/nowhere"], "the key cannot be read"],
    ["a key that is none", ["ls", ...store, ...nats, "--nkey", import.meta.filename], "is no seed"],
    ["a key for a hub", ["ls", ...store, ...address, "--nkey", "key"], "of NATS itself"],
    [
      "a key for a project's backend",
      ["ls", ...store, ...nats, "--as-project", "p", "--nkey", "key"],
      "without --as-project",
    ],
    ["two identities", ["ls", ...store, "--as-account", "a", "--as-project", "p"], "one of both"],
    ["projects of nobody", ["ls", ...store, "--projects", "a,b"], "goes with --as-account"],
    ["a value that is no JSON", ["set", "k", "{", ...store], "the value { is no JSON"],
    ["a lifetime that is none", ["set", "k", "1", "--ttl", "soon", ...store], "such as 90s"],
    ["a sequence that is none", ["delete", "k", "--if-seq", "x", ...store], "a sequence number"],
    ["no store to destroy", ["destroy", "--yes", ...scope], "--store NAME, or --all"],
    ["two things to destroy", ["destroy", "--yes", "--all", ...store], "not both"],
    ["destroying without being sure", ["destroy", ...store], "--yes"],
  ])("%s", async (_what, args, why) => {
    const { exitCode, text } = await run(...args);
    expect(text).toContain(why);
    expect(text).not.toMatch(/^ {4}at /m);
    expect(exitCode).toBe(2);
  });
});

describe("help", () => {
  it("lists the commands, gives examples, and says what the exit codes mean", async () => {
    const { exitCode, text } = await run("--help");
    expect(exitCode).toBe(0);
    for (const word of ["get", "set", "delete", "ls", "watch", "stores", "destroy"]) {
      expect(text).toMatch(new RegExp(`^ {2}${word}\\b`, "m"));
    }
    expect(text).toContain("Examples:");
    expect(text).toContain("Exit codes:");
    expect(text).toContain("CONAT_URL");
  });

  it("of a command has its own options and those of all", async () => {
    const { exitCode, text } = await run("set", "--help");
    expect(exitCode).toBe(0);
    for (const option of ["--if-seq", "--ttl", "--string", "--project", "--address"]) {
      expect(text).toContain(option);
    }
  });
});
