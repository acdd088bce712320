#!/usr/bin/env node
import { explain } from "./exit.ts";
import { say } from "./output.ts";
import { createProgram } from "./program.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // What does not end by itself when asked, ends when asked again.
    if (stop.signal.aborted) process.exit(1);
    stop.abort();
  });
}
// Whoever reads what is printed has enough, as `head` does.
process.stdout.on("error", () => process.exit(0));

let exitCode = 0;
try {
  await createProgram(stop.signal).parseAsync();
} catch (error) {
  const failure = explain(error);
  exitCode = failure.exitCode;
  if (failure.message !== "") say(failure.message);
}
// A connection that is still being made would hold the process for some seconds.
process.stdout.write("", () => process.exit(exitCode));
