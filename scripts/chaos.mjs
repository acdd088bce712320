// `npm run chaos`: clients at work while servers, hubs and lines fail, and a check that nothing was lost.
import { join } from "node:path";
import { bootstrap, ROOT, runMain, typescriptFlags } from "./bootstrap.mjs";
import { PARENT_WATCH, run } from "./child.mjs";
import { provideChromium } from "./chromium.mjs";
import { provideNatsServer } from "./nats-server.mjs";

await runMain(async () => {
  const args = process.argv.slice(2);
  await bootstrap(console.error);
  const env = { ...process.env };
  if (!args.includes("--help")) {
    env.CONAT_NATS_SERVER = await provideNatsServer();
    if (!args.includes("--quick") && !args.includes("--no-browser")) {
      env.CONAT_CHROMIUM = await provideChromium(console.error);
    }
  }
  const main = join(ROOT, "test/chaos/main.ts");
  return run(process.execPath, [...typescriptFlags(), "--import", PARENT_WATCH, main, ...args], {
    env,
  });
});
