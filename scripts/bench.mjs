// `npm run bench`: measures conat, compiled as it is published, beside what it is built on and beside other systems.
import { join } from "node:path";
import { bootstrap, ROOT, runMain, typescriptLoader } from "./bootstrap.mjs";
import { PARENT_WATCH, run } from "./child.mjs";
import { buildPackages } from "./packages.mjs";

await runMain(async () => {
  await bootstrap(console.error);
  const status = await buildPackages({ onlyIfStale: true, log: console.error });
  if (status !== 0) return status;
  const main = join(ROOT, "bench/src/main.ts");
  const node = [...typescriptLoader(), "--import", PARENT_WATCH, main];
  return run(process.execPath, [...node, ...process.argv.slice(2)]);
});
