// `npm run soak`: opens and closes again and again, and a look at what that leaves behind.
import { join } from "node:path";
import { bootstrap, ROOT, runMain, typescriptFlags } from "./bootstrap.mjs";
import { PARENT_WATCH, run } from "./child.mjs";
import { provideNatsServer } from "./nats-server.mjs";

await runMain(async () => {
  const args = process.argv.slice(2);
  await bootstrap(console.error);
  const env = { ...process.env };
  if (!args.includes("--help")) env.CONAT_NATS_SERVER = await provideNatsServer();
  const main = join(ROOT, "test/soak/main.ts");
  const node = ["--expose-gc", ...typescriptFlags(), "--import", PARENT_WATCH, main];
  return run(process.execPath, [...node, ...args], { env });
});
