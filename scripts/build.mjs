// `npm run build`: compiles each package into its dist folder, in the order in which they need each other.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { bootstrap, ROOT, runMain, tool } from "./bootstrap.mjs";
import { run } from "./child.mjs";

const PACKAGES = ["conat", "hub", "frontend-hooks"];

await runMain(async () => {
  await bootstrap();
  for (const name of PACKAGES) {
    const folder = join(ROOT, "packages", name);
    rmSync(join(folder, "dist"), { recursive: true, force: true });
    const { command, shell } = tool("tsc");
    const status = await run(command, ["-p", join(folder, "tsconfig.build.json")], { shell });
    if (status !== 0) return status;
    console.log(`packages/${name}/dist: built`);
  }
  return 0;
});
