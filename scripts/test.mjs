// `npm test`: every gate, cheap ones first, and then every test.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bootstrap, ROOT, runMain, ScriptError, tool } from "./bootstrap.mjs";
import { PARENT_WATCH, run } from "./child.mjs";
import { provideChromium } from "./chromium.mjs";
import { provideNatsServer } from "./nats-server.mjs";

const HELP = `npm test -- [options] [filter …]

Checks format, lint and types, then runs the tests. A filter is a part of a test file's path.

  --no-browser  leave out the tests in a browser (*.browser.test.*)
  --no-nats     leave out the tests with a nats-server (*.nats.test.*), and those in a browser,
                which need one
  --unit        leave out every test that needs a service or a browser
  --help        show this

Without these options a missing nats-server or browser is fetched, and is a failure when it
cannot be. CONAT_NATS_SERVER and CONAT_CHROMIUM name ones to use.`;

const REPORT = join(ROOT, "test-output/vitest.json");
const BROWSER_TESTS = "**/*.browser.test.*";
const SERVICE_TESTS = ["**/*.nats.test.*", "**/*.pg.test.*"];

/**
 * Checks that need no service, by name; each must pass before the next thing runs.
 * @type {Record<string, string[]>}
 */
const GATES = {
  "format and lint": ["biome", "check", "."],
  types: ["tsc", "-p", "tsconfig.json"],
  "dead code": ["knip", "--no-progress"],
};

await runMain(async () => {
  const { values, positionals } = parseOptions();
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const excluded = [
    ...(values["no-browser"] || values["no-nats"] || values.unit ? [BROWSER_TESTS] : []),
    ...(values["no-nats"] || values.unit ? SERVICE_TESTS : []),
  ];
  let gate = "dependencies";
  try {
    await bootstrap();
    for (gate of Object.keys(GATES)) {
      await passGate(gate);
    }
    gate = "services";
    const env = await provideServices(excluded, positionals);
    return summarize(await runTests(env, excluded, positionals));
  } catch (error) {
    if (!(error instanceof ScriptError)) {
      throw error;
    }
    console.log(error.message);
    console.log(`gate failed: ${gate}`);
    return summarize({ passed: 0, failed: 1 });
  }
});

function parseOptions() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        "no-browser": { type: "boolean" },
        "no-nats": { type: "boolean" },
        unit: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new ScriptError(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
  }
}

/** @param {string} name */
async function passGate(name) {
  const startedAt = performance.now();
  const [program, ...args] = GATES[name];
  const { command, shell } = tool(program);
  if ((await run(command, args, { cwd: ROOT, shell })) !== 0) {
    throw new ScriptError(`"${program} ${args.join(" ")}" found the problems above.`);
  }
  console.log(`${name}: ok (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
}

/**
 * What the tests that will run need, as environment variables.
 * @param {string[]} excluded
 * @param {string[]} filters
 */
async function provideServices(excluded, filters) {
  const env = { ...process.env };
  if (!excluded.includes(SERVICE_TESTS[0] ?? "")) {
    env.CONAT_NATS_SERVER = await provideNatsServer("; or run npm test -- --no-nats");
  }
  if (!excluded.includes(BROWSER_TESTS) && hasBrowserTests(filters)) {
    env.CONAT_CHROMIUM = await provideChromium(console.log);
  }
  return env;
}

/**
 * Whether any browser test matches the filters; a unit test that is run alone needs no browser.
 * @param {string[]} filters
 */
function hasBrowserTests(filters) {
  const folders = ["packages", "test", "bench", "examples"];
  const tests = folders.flatMap((folder) => browserTestsIn(join(ROOT, folder)));
  return tests.some((path) => filters.length === 0 || filters.some((part) => path.includes(part)));
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function browserTestsIn(folder) {
  if (!existsSync(folder)) {
    return [];
  }
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return entry.name === "node_modules" || entry.name === "dist" ? [] : browserTestsIn(path);
    }
    return entry.name.includes(".browser.test.") ? [path] : [];
  });
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string[]} excluded
 * @param {string[]} filters
 */
async function runTests(env, excluded, filters) {
  mkdirSync(join(REPORT, ".."), { recursive: true });
  rmSync(REPORT, { force: true });
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const code = await run(
    process.execPath,
    [
      ...["--import", PARENT_WATCH, vitest, "run"],
      ...["--reporter=default", "--reporter=json", `--outputFile.json=${REPORT}`],
      ...excluded.flatMap((pattern) => ["--exclude", pattern]),
      ...filters,
    ],
    { cwd: ROOT, env: process.stdout.isTTY ? env : { ...env, NO_COLOR: "1" } },
  );
  if (!existsSync(REPORT)) {
    console.log("vitest ended without a report");
    return { passed: 0, failed: 1 };
  }
  const report = JSON.parse(readFileSync(REPORT, "utf8"));
  // A file that cannot be loaded has no tests that could fail.
  const brokenFiles = report.testResults.filter(
    (/** @type {{ status: string, assertionResults: { status: string }[] }} */ file) =>
      file.status === "failed" &&
      file.assertionResults.every((assertion) => assertion.status !== "failed"),
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  // An error outside any test (an unhandled rejection) fails the run too.
  return { passed: report.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed };
}

/** @param {{ passed: number, failed: number }} counts */
function summarize({ passed, failed }) {
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
