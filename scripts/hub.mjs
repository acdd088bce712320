// `npx conat-hub` in a checkout: the hub's command, from its sources.
import { join } from "node:path";
import { bootstrap, ROOT, runMain, typescriptFlags } from "./bootstrap.mjs";
import { PARENT_WATCH, run } from "./child.mjs";

await runMain(async () => {
  await bootstrap(console.error);
  const main = join(ROOT, "packages/hub/src/main.ts");
  const node = [...typescriptFlags(), "--import", PARENT_WATCH, main];
  return run(process.execPath, [...node, ...process.argv.slice(2)]);
});
