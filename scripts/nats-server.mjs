// Finds a nats-server for tests, or fetches one.
import { join } from "node:path";
import { ROOT, ScriptError, typescriptFlags } from "./bootstrap.mjs";
import { run } from "./child.mjs";

/**
 * The path of a nats-server; needs the dependencies to be installed.
 * @param {string} [otherwise] what else can be done when there is none
 * @returns {Promise<string>}
 * @throws {ScriptError} when none can be had; why was printed
 */
export async function provideNatsServer(otherwise = "") {
  const cli = join(ROOT, "packages/hub/src/nats-server/nats-server-cli.ts");
  let path = "";
  const code = await run(process.execPath, [...typescriptFlags(), cli], {
    onOutput: (text) => {
      path += text;
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (code !== 0) {
    throw new ScriptError(`A nats-server is needed, see above${otherwise}.`);
  }
  return path.trim();
}
