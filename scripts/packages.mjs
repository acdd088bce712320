import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { ROOT, tool } from "./bootstrap.mjs";
import { run } from "./child.mjs";

/** In the order in which they need each other. */
const PACKAGES = ["conat", "hub", "frontend-hooks"];

const THIS_FILE = import.meta.filename;

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
    await joinModules(folder);
    log(`packages/${name}/dist: built`);
  }
  return 0;
}

/**
 * Compiles what a package exports. Modules that belong together become one file: Node needs longer to find and link
 * hundreds of small ones than to run them. What several entries share is there once.
 * @param {string} folder
 */
async function joinModules(folder) {
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: folder,
    entryPoints: entryPoints(JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))),
    outbase: "src",
    outdir: "dist",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    // esbuild does not take it from tsconfig.json.
    target: "es2023",
    packages: "external",
    // Which file it is depends on where it runs: decided there.
    external: ["#*"],
    sourcemap: true,
    logLevel: "warning",
  });
}

/**
 * The source files that a manifest names: of what it exports, what it imports under a name of its own, its commands.
 * @param {{ exports: object, imports?: object, publishConfig?: { bin?: Record<string, string> } }} manifest
 * @returns {string[]}
 */
function entryPoints({ exports, imports = {}, publishConfig = {} }) {
  const commands = Object.values(publishConfig.bin ?? {}).map((path) =>
    path.replace("/dist/", "/src/").replace(/\.js$/, ".ts"),
  );
  return [...new Set([...sourcesIn(exports), ...sourcesIn(imports), ...commands])];
}

/**
 * @param {object} conditions nested, as in a manifest
 * @returns {string[]}
 */
function sourcesIn(conditions) {
  return Object.entries(conditions).flatMap(([condition, target]) => {
    if (typeof target === "object") return sourcesIn(target);
    return condition === "source" ? [target] : [];
  });
}

/**
 * Whether anything that a package is made from has changed since: its sources, its manifest, which names the entries,
 * or how it is built.
 * @param {string} folder
 */
function isStale(folder) {
  const built = join(folder, "dist/index.js");
  if (!existsSync(built)) return true;
  const files = [join(folder, "package.json"), join(folder, "tsconfig.build.json"), THIS_FILE];
  const times = files.map((file) => statSync(file).mtimeMs);
  return Math.max(newestIn(join(folder, "src")), ...times) > statSync(built).mtimeMs;
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
