// `npm run cluster`: three nats-servers and two hubs on this machine, for trying out what one may lose.
import { join } from "node:path";
import { bootstrap, ROOT, runMain, typescriptFlags } from "./bootstrap.mjs";
import { PARENT_WATCH, run } from "./child.mjs";
import { buildApp } from "./example-app.mjs";

await runMain(async () => {
  const args = process.argv.slice(2);
  const isHelp = args.includes("--help") || args.includes("-h");
  await bootstrap(isHelp ? console.error : console.log);
  const page = isHelp ? [] : ["--static", await buildApp()];
  const end = args.indexOf("--");
  const own = end === -1 ? args : args.slice(0, end);
  const ofHubs = end === -1 ? [] : args.slice(end + 1);
  const main = join(ROOT, "packages/hub/src/local-cluster/local-cluster-cli.ts");
  const node = [...typescriptFlags(), "--import", PARENT_WATCH, main];
  return run(process.execPath, [...node, ...own, "--", ...page, ...ofHubs]);
});
