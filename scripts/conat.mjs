// `npx conat` and `npm run conat -- …` in a checkout: the command, from its sources.
import { join } from "node:path";
import { bootstrap, ROOT, runMain, typescriptFlags } from "./bootstrap.mjs";
import { PARENT_WATCH, run } from "./child.mjs";

await runMain(async () => {
  await bootstrap(console.error);
  const main = join(ROOT, "packages/conat/src/cli/main.ts");
  const node = [...typescriptFlags(), "--import", PARENT_WATCH, main];
  // In this program's own process group, so that it may read what is typed.
  const stdio = { stdio: "inherit", detached: false };
  return run(process.execPath, [...node, ...process.argv.slice(2)], stdio);
});
