import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { ROOT, tool } from "./bootstrap.mjs";
import { run } from "./child.mjs";

/** In the order in which they need each other. */
const PACKAGES = ["conat", "hub", "frontend-hooks"];

/**
 * Compiles each package into its dist folder. Returns the exit code.
 * @param {{ onlyIfStale?: boolean, log?: (line: string) => void }} [options]
 */
export async function buildPackages({ onlyIfStale = false, log = console.log } = {}) {
  let mustBuild = !onlyIfStale;
  for (const name of PACKAGES) {
    const folder = join(ROOT, "packages", name);
    // What a package was compiled against has changed with the one before it.
    mustBuild ||= isStale(folder);
    if (!mustBuild) continue;
    rmSync(join(folder, "dist"), { recursive: true, force: true });
    const { command, shell } = tool("tsc");
    const status = await run(command, ["-p", join(folder, "tsconfig.build.json")], { shell });
    if (status !== 0) return status;
    log(`packages/${name}/dist: built`);
  }
  return 0;
}

/** @param {string} folder */
function isStale(folder) {
  const built = join(folder, "dist/index.js");
  return !existsSync(built) || newestIn(join(folder, "src")) > statSync(built).mtimeMs;
}

/**
 * When anything in a folder was changed last.
 * @param {string} folder
 * @returns {number}
 */
function newestIn(folder) {
  const times = readdirSync(folder, { withFileTypes: true }).map((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? newestIn(path) : statSync(path).mtimeMs;
  });
  return Math.max(statSync(folder).mtimeMs, ...times);
}
