// `npm start`: everything from a fresh checkout to a running hub with the page of an example application.
import { join } from "node:path";
import { bootstrap, ROOT, runMain, typescriptFlags } from "./bootstrap.mjs";
import { PARENT_WATCH, run } from "./child.mjs";
import { APPS, buildApp, takeApp } from "./example-app.mjs";

const HELP = `npm start -- [--app <name>] [options of the hub]

  --app <name>   the application in examples/ to serve: ${APPS.join(" or ")} (default: "${APPS[0]}")
`;

await runMain(async () => {
  const { app, rest } = takeApp(process.argv.slice(2));
  const isHelp = rest.includes("--help") || rest.includes("-h");
  if (isHelp) {
    console.log(HELP);
  }
  await bootstrap(isHelp ? console.error : console.log);
  const page = isHelp ? [] : ["--static", await buildApp(app)];
  const main = join(ROOT, "packages/hub/src/main.ts");
  const node = [...typescriptFlags(), "--import", PARENT_WATCH, main];
  return run(process.execPath, [...node, "--dev", ...page, ...rest]);
});
