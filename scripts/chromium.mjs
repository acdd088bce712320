// Finds a Chromium for the browser tests, or installs Debian's.
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { ScriptError } from "./bootstrap.mjs";
import { run } from "./child.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const USUAL_PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/google-chrome",
  "/snap/bin/chromium",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
];
const WHAT_TO_DO =
  "install Chromium or Chrome, set CONAT_CHROMIUM to its path, or run npm test -- --no-browser";
const HEARTBEAT_MS = 15_000;
/** A slow or missing mirror is noticed instead of waited for; another apt is waited for. */
const APT_OPTIONS = ["Acquire::Retries=2", "Acquire::http::Timeout=20", "DPkg::Lock::Timeout=120"];

/**
 * The path of a Chromium or Chrome: `$CONAT_CHROMIUM`, else an installed one, else one installed
 * now with apt, which needs a Debian-like system and root.
 * @param {(line: string) => void} log
 * @returns {Promise<string>}
 * @throws {ScriptError} with what to do
 */
export async function provideChromium(log) {
  const named = process.env.CONAT_CHROMIUM;
  if (named) {
    if (!existsSync(named)) {
      throw new ScriptError(`CONAT_CHROMIUM names ${named}, which does not exist: correct it.`);
    }
    return named;
  }
  const found = await findInstalled();
  if (found !== undefined) {
    return found;
  }
  if (!existsSync("/usr/bin/apt-get") || process.getuid?.() !== 0) {
    throw new ScriptError(`The browser tests need a browser: ${WHAT_TO_DO}.`);
  }
  await installWithApt(log);
  const installed = await findInstalled();
  if (installed === undefined) {
    throw new ScriptError(`The installed Chromium does not run: ${WHAT_TO_DO}.`);
  }
  return installed;
}

async function findInstalled() {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const onPath = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  for (const path of [...onPath, ...USUAL_PLACES].filter((candidate) => existsSync(candidate))) {
    // Some systems have a script of that name that only says how to install one. On Windows the
    // flag opens a window instead of printing.
    if (
      process.platform === "win32" ||
      (await run(path, ["--version"], { onOutput: () => undefined })) === 0
    ) {
      return path;
    }
  }
  return undefined;
}

/** @param {(line: string) => void} log */
async function installWithApt(log) {
  log("installing Chromium with apt for the browser tests (once, about 100 MB)");
  const startedAt = performance.now();
  const heartbeat = setInterval(() => {
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    log(`still installing Chromium (${seconds} s)`);
  }, HEARTBEAT_MS);
  try {
    await aptGet("update");
    await aptGet("install", "-y", "--no-install-recommends", "chromium");
  } finally {
    clearInterval(heartbeat);
  }
}

/** @param {string[]} args */
async function aptGet(...args) {
  let output = "";
  const settings = APT_OPTIONS.flatMap((setting) => ["-o", setting]);
  const code = await run("apt-get", ["-q", ...settings, ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
    onOutput: (text) => {
      output += text;
    },
  });
  if (code !== 0) {
    const reasons = output.split("\n").filter((line) => /^(E|W|Err):?/.test(line));
    throw new ScriptError(
      `${reasons.join("\n")}\nChromium could not be installed with apt: ${WHAT_TO_DO}.`,
    );
  }
}
