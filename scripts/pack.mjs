// `npm run pack [-- <folder>]`: the packages as they are published, built, packed and checked.
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { bootstrap, pnpm, ROOT, runMain, ScriptError, tool } from "./bootstrap.mjs";
import { run } from "./child.mjs";

const PACKAGES = ["conat", "hub", "frontend-hooks"];

await runMain(async () => {
  const folder = resolve(process.argv[2] ?? join(ROOT, "test-output/packages"));
  await bootstrap();
  const status = await run(process.execPath, [join(ROOT, "scripts/build.mjs")]);
  if (status !== 0) return status;
  mkdirSync(folder, { recursive: true });
  for (const old of tarballsIn(folder)) rmSync(old);
  for (const name of PACKAGES) {
    // npm would leave "workspace:" and "catalog:" in the manifest, and nobody could install it.
    await must(pnpm(["pack", "--pack-destination", folder]), join(ROOT, "packages", name));
  }
  const { command, shell } = tool("publint");
  for (const tarball of tarballsIn(folder)) {
    await must({ command, shell, args: [tarball, "--strict"] }, ROOT);
    console.log(tarball);
  }
  return 0;
});

/** @param {string} folder */
function tarballsIn(folder) {
  const names = readdirSync(folder).filter((name) => /^conat-.*\.tgz$/.test(name));
  return names.map((name) => join(folder, name));
}

/**
 * Runs a program that says something only if it fails.
 * @param {{ command: string, args: string[], shell: boolean }} program
 * @param {string} cwd
 */
async function must({ command, args, shell }, cwd) {
  let output = "";
  const onOutput = (/** @type {string} */ text) => {
    output += text;
  };
  if ((await run(command, args, { cwd, shell, onOutput })) !== 0) {
    throw new ScriptError(`${output.trimEnd()}\nThe packages cannot be published as they are.`);
  }
}
