// Builds the page of an application in examples/, when its sources have changed since the last time.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { ROOT, ScriptError } from "./bootstrap.mjs";
import { run } from "./child.mjs";

const EXAMPLES = join(ROOT, "examples");
/** The applications that the hub can serve; the first is served when none is named. */
export const APPS = ["demo", "workspace"];
/** Everything beside the application itself whose code ends up in the page. */
const SOURCES = [
  "packages/conat/package.json",
  "packages/conat/src",
  "packages/frontend-hooks/package.json",
  "packages/frontend-hooks/src",
  "pnpm-lock.yaml",
];
const NOT_SOURCES = new Set(["dist", "node_modules", ".vite"]);

/**
 * Takes `--app <name>` out of arguments.
 * @param {string[]} args
 * @returns {{ app: string, rest: string[] }} which application is meant, and the other arguments
 * @throws {ScriptError} when there is no such application
 */
export function takeApp(args) {
  const rest = [...args];
  const at = rest.findIndex((arg) => arg === "--app" || arg.startsWith("--app="));
  if (at < 0) {
    return { app: APPS[0], rest };
  }
  const isTwo = rest[at] === "--app";
  const app = isTwo ? rest[at + 1] : rest[at].slice("--app=".length);
  rest.splice(at, isTwo ? 2 : 1);
  if (app === undefined || !APPS.includes(app)) {
    throw new ScriptError(`--app takes the name of an application: ${APPS.join(" or ")}.`);
  }
  return { app, rest };
}

/**
 * Builds `examples/<app>/dist` if it is not up to date.
 * @param {string} [app]
 * @param {(line: string) => void} [log]
 * @returns {Promise<string>} the folder to serve
 * @throws {ScriptError} when the page does not build
 */
export async function buildApp(app = APPS[0], log = console.log) {
  const folder = join(EXAMPLES, app);
  const dist = join(folder, "dist");
  const stamp = join(dist, ".source-hash");
  const wanted = hashSources(folder);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) {
    return dist;
  }
  log(`building the page of examples/${app}`);
  let output = "";
  const vite = join(folder, "node_modules/vite/bin/vite.js");
  const code = await run(process.execPath, [vite, "build"], {
    cwd: folder,
    env: process.stdout.isTTY ? process.env : { ...process.env, NO_COLOR: "1" },
    onOutput: (text) => {
      output += text;
    },
  });
  if (code !== 0) {
    throw new ScriptError(`${output.trimEnd()}\nThe page in examples/${app} does not build.`);
  }
  writeFileSync(stamp, wanted);
  return dist;
}

/** @param {string} app its folder */
function hashSources(app) {
  const hash = createHash("sha256");
  for (const path of [app, ...SOURCES.map((source) => join(ROOT, source))].flatMap(filesIn)) {
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
