// Builds the demo page, when its sources have changed since the last time.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ROOT, ScriptError } from "./bootstrap.mjs";
import { run } from "./child.mjs";

const DEMO = join(ROOT, "examples/demo");
const DIST = join(DEMO, "dist");
const STAMP = join(DIST, ".source-hash");
/** Everything whose code ends up in the page. */
const SOURCES = [
  "examples/demo",
  "packages/conat/package.json",
  "packages/conat/src",
  "packages/frontend-hooks/package.json",
  "packages/frontend-hooks/src",
  "pnpm-lock.yaml",
];
const NOT_SOURCES = new Set(["dist", "node_modules", ".vite"]);

/**
 * Builds `examples/demo/dist` if it is not up to date.
 * @param {(line: string) => void} [log]
 * @returns {Promise<string>} the folder to serve
 * @throws {ScriptError} when the page does not build
 */
export async function buildDemo(log = console.log) {
  const wanted = hashSources();
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted) {
    return DIST;
  }
  log("building the demo page");
  let output = "";
  const vite = join(DEMO, "node_modules/vite/bin/vite.js");
  const code = await run(process.execPath, [vite, "build"], {
    cwd: DEMO,
    env: process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: "1" },
    onOutput: (text) => {
      output += text;
    },
  });
  if (code !== 0) {
    throw new ScriptError(`${output.trimEnd()}\nThe demo page in examples/demo does not build.`);
  }
  writeFileSync(STAMP, wanted);
  return DIST;
}

function hashSources() {
  const hash = createHash("sha256");
  for (const path of SOURCES.flatMap((source) => filesIn(join(ROOT, source)))) {
    hash
      .update(`${relative(ROOT, path)}\0`)
      .update(readFileSync(path))
      .update("\0");
  }
  return hash.digest("hex");
}

/**
 * @param {string} path
 * @returns {string[]}
 */
function filesIn(path) {
  if (!existsSync(path)) {
    return [];
  }
  if (!statSync(path).isDirectory()) {
    return [path];
  }
  return readdirSync(path)
    .filter((name) => !NOT_SOURCES.has(name) && !/\.test(-d)?\.tsx?$/.test(name))
    .sort()
    .flatMap((name) => filesIn(join(path, name)));
}
