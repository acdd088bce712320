// Installs the dependencies when they are missing or outdated. Needs nothing but Node and npm.
// As a program: node scripts/bootstrap.mjs <tool> [arguments] runs a tool from node_modules/.bin.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { endWithParent, run } from "./child.mjs";

/** The checkout. */
export const ROOT = join(import.meta.dirname, "..");

const MIN_NODE = [20, 19];
const MODULES = join(ROOT, "node_modules");
const STAMP = join(MODULES, ".conat-bootstrap");
const LOCK = join(MODULES, ".conat-bootstrap.lock");
const LOCK_POLL_MS = 200;
const HEARTBEAT_MS = 10_000;
/** Enough of what a failed install printed to see why. */
const TAIL_LINES = 25;
/** Where in npm's own code something failed is nobody's business here. */
const STACK_LINE = /^(npm error )?\s+at \S.*:\d+:\d+\)?/;

/** An unreachable registry is noticed in seconds; the package managers' own defaults take minutes. */
const FETCH_LIMITS = {
  fetch_retries: "2",
  fetch_retry_mintimeout: "500",
  fetch_retry_maxtimeout: "2000",
  fetch_timeout: "30000",
};

/** A problem that its message explains completely; no stack trace is shown. */
export class ScriptError extends Error {}

/**
 * Makes sure that the dependencies of this checkout are installed.
 * @param {(line: string) => void} [log]
 * @throws {ScriptError} when Node is too old or the packages cannot be had
 */
export async function bootstrap(log = console.log) {
  requireNode();
  const wanted = fingerprint();
  if (isInstalled(wanted)) {
    return;
  }
  const release = await lock(log);
  try {
    // Another script may have installed them while this one waited.
    if (!isInstalled(wanted)) {
      // An install that is interrupted leaves neither the old state nor the new one.
      rmSync(STAMP, { force: true });
      await install(log);
      writeFileSync(STAMP, wanted);
    }
  } finally {
    release();
  }
}

/**
 * The command line that runs a tool from node_modules/.bin.
 * @param {string} name
 * @returns {{ command: string, shell: boolean }}
 */
export function tool(name) {
  const isWindows = process.platform === "win32";
  const command = join(MODULES, ".bin", isWindows ? `${name}.cmd` : name);
  return isWindows ? { command: `"${command}"`, shell: true } : { command, shell: false };
}

/**
 * The command line that runs this checkout's pnpm, which nobody has to have installed.
 * @param {string[]} args
 * @returns {{ command: string, args: string[], shell: boolean }}
 */
export function pnpm(args) {
  const [command, ...npm] = npmCommand();
  return {
    command,
    args: [...npm, "exec", "--yes", `--package=pnpm@${pnpmVersion()}`, "--", "pnpm", ...args],
    shell: process.platform === "win32" && command === "npm",
  };
}

/** Flags for `node` to run TypeScript sources of this workspace, from any working directory. */
export function typescriptFlags() {
  return ["--conditions=source", ...typescriptLoader()];
}

/** The same for what is not in a package: packages are taken as they were built. */
export function typescriptLoader() {
  return ["--import", pathToFileURL(join(MODULES, "tsx", "dist", "loader.mjs")).href];
}

/**
 * Runs a script's main function; prints what went wrong and sets the exit code.
 * @param {() => Promise<number>} main returns the exit code
 */
export async function runMain(main) {
  endWithParent();
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof ScriptError)) {
      throw error;
    }
    console.error(error.message);
    process.exitCode = 1;
  }
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [minMajor = 0, minMinor = 0] = MIN_NODE;
  if (major < minMajor || (major === minMajor && minor < minMinor)) {
    throw new ScriptError(
      `Node ${process.versions.node} is too old: install Node ${MIN_NODE.join(".")} or newer.`,
    );
  }
}

/** @param {string} wanted */
function isInstalled(wanted) {
  return existsSync(STAMP) && readFileSync(STAMP, "utf8") === wanted;
}

/** A hash of everything that decides what node_modules holds. */
function fingerprint() {
  const hash = createHash("sha256");
  // node_modules has absolute paths inside, so a checkout that was moved or copied needs its own.
  hash.update(JSON.stringify([process.platform, process.arch, pnpmVersion(), ROOT]));
  for (const name of ["pnpm-lock.yaml", "pnpm-workspace.yaml"]) {
    hash.update(readFileSync(join(ROOT, name)));
  }
  for (const folder of workspaceFolders()) {
    const manifest = readManifest(folder);
    hash.update(
      JSON.stringify([
        folder,
        manifest.name,
        manifest.bin,
        manifest.dependencies,
        manifest.devDependencies,
        manifest.optionalDependencies,
        manifest.peerDependencies,
      ]),
    );
  }
  return hash.digest("hex");
}

/** The one place that names it is `packageManager` in package.json. */
function pnpmVersion() {
  const version = /^pnpm@(\d[\w.-]*)/.exec(readManifest("").packageManager)?.[1];
  if (version === undefined) {
    throw new ScriptError('package.json must name its pnpm: "packageManager": "pnpm@<version>".');
  }
  return version;
}

/** @param {string} folder relative to the checkout */
function readManifest(folder) {
  return JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8"));
}

/** The folders of `packages: [...]` in pnpm-workspace.yaml, which is kept on one line; `x/*` is one level. */
function workspaceFolders() {
  const text = readFileSync(join(ROOT, "pnpm-workspace.yaml"), "utf8");
  const list = /^packages: (\[.*\])$/m.exec(text)?.[1];
  if (list === undefined) {
    throw new ScriptError(
      "pnpm-workspace.yaml must have its packages on one line: packages: [...]",
    );
  }
  /** @type {string[]} */
  const patterns = JSON.parse(list);
  const folders = patterns.flatMap((pattern) => {
    if (!pattern.endsWith("/*")) {
      return [pattern];
    }
    const parent = pattern.slice(0, -"/*".length);
    const names = existsSync(join(ROOT, parent)) ? readdirSync(join(ROOT, parent)).sort() : [];
    return names.map((name) => `${parent}/${name}`);
  });
  return ["", ...folders.filter((folder) => existsSync(join(ROOT, folder, "package.json")))];
}

/** @param {(line: string) => void} log */
async function install(log) {
  const startedAt = performance.now();
  const seconds = () => `${Math.round((performance.now() - startedAt) / 1000)} s`;
  log(
    `installing dependencies with pnpm ${pnpmVersion()}; the first time takes up to half a minute`,
  );
  const heartbeat = setInterval(
    () => log(`still installing dependencies (${seconds()})`),
    HEARTBEAT_MS,
  );
  let output = "";
  const { command, args, shell } = pnpm(["install", "--frozen-lockfile"]);
  const code = await run(command, args, {
    cwd: ROOT,
    // As on a CI machine: pnpm then asks no questions.
    env: { ...process.env, ...fetchLimits(), CI: "true" },
    shell,
    onOutput: (text) => {
      output += text;
    },
  });
  clearInterval(heartbeat);
  if (code !== 0) {
    const lines = output.trimEnd().split("\n");
    const tail = lines
      .filter((line) => !STACK_LINE.test(line))
      .slice(-TAIL_LINES)
      .join("\n");
    throw new ScriptError(
      `${tail}\nThe dependencies could not be installed: check that the npm registry can be reached (npm ping), and that pnpm-lock.yaml matches the package.json files.`,
    );
  }
  log(`dependencies installed (${seconds()})`);
}

/** npm reads `npm_config_*`, pnpm `pnpm_config_*`. */
function fetchLimits() {
  return Object.fromEntries(
    Object.entries(FETCH_LIMITS).flatMap(([name, value]) => [
      [`npm_config_${name}`, value],
      [`pnpm_config_${name}`, value],
    ]),
  );
}

/** The npm that runs this script, else the one beside this Node, else the one on PATH. */
function npmCommand() {
  const started = process.env.npm_execpath;
  const beside = dirname(process.execPath);
  const candidates = [
    // Under `pnpm start` or `yarn start` this is their program, which has other arguments.
    ...(started !== undefined && basename(started) === "npm-cli.js" ? [started] : []),
    join(beside, "node_modules/npm/bin/npm-cli.js"),
    join(beside, "../lib/node_modules/npm/bin/npm-cli.js"),
  ];
  const script = candidates.find((candidate) => existsSync(candidate));
  return script === undefined ? ["npm"] : [process.execPath, script];
}

/**
 * One installation at a time: `npm start` and `npm test` may be the first two things somebody does.
 * @param {(line: string) => void} log
 * @returns {Promise<() => void>}
 */
async function lock(log) {
  mkdirSync(MODULES, { recursive: true });
  for (let isFirst = true; ; isFirst = false) {
    try {
      writeFileSync(LOCK, String(process.pid), { flag: "wx" });
      return () => rmSync(LOCK, { force: true });
    } catch {
      if (!isRunning(Number(readFileSync(LOCK, { encoding: "utf8", flag: "a+" })))) {
        rmSync(LOCK, { force: true });
        continue;
      }
    }
    if (isFirst) {
      log("waiting for another script that installs the dependencies");
    }
    await delay(LOCK_POLL_MS);
  }
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}

if (process.argv[1] === import.meta.filename) {
  await runMain(async () => {
    const [name, ...args] = process.argv.slice(2);
    if (name === undefined) {
      throw new ScriptError("usage: node scripts/bootstrap.mjs <tool> [arguments]");
    }
    await bootstrap(console.error);
    const { command, shell } = tool(name);
    if (!existsSync(command) && !shell) {
      throw new ScriptError(`There is no tool ${name} in node_modules/.bin.`);
    }
    // In the terminal's own process group, so that a tool may ask questions.
    return run(command, args, { shell, stdio: "inherit", detached: false });
  });
}
