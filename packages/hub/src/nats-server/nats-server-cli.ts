import { NatsServerError } from "./errors.ts";
import { resolveNatsServer } from "./resolve-binary.ts";

// Prints the path of a usable nats-server, for scripts; progress goes to stderr.
try {
  const { path } = await resolveNatsServer({ log: (line) => console.error(line) });
  console.log(path);
} catch (error) {
  if (!(error instanceof NatsServerError)) {
    throw error;
  }
  console.error(error.message);
  process.exitCode = 1;
}
