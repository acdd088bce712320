import { constants } from "node:fs";
import { access, mkdir, readdir, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { runCommand } from "./run-command.ts";

/**
 * Debian's own nats-server is new enough only in the coming release; `testing` first, because
 * what is there has run in `unstable` for some days.
 */
const SUITES = ["testing", "unstable"] as const;
const ARCHIVE_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
/** A slow mirror needs 20 s for the package list (10 MB); a dead one is noticed by apt itself. */
const APT_TIMEOUT_MS = 90_000;
const QUICK_TIMEOUT_MS = 10_000;

/**
 * Fetches Debian's nats-server package through the machine's own configured mirror and unpacks
 * it; returns the executable's path. Everything lives under `folder`: the system's package lists,
 * its installed packages and its configuration stay as they are, and root is not needed. The
 * archive's signature is checked by apt with the installed Debian keyring.
 * @throws an error whose message says what is missing.
 */
export async function fetchFromApt(options: {
  /** An empty folder to work in; the result lies inside it. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
}): Promise<string> {
  const mirror = await findDebianMirror(options.signal);
  let failure: unknown;
  for (const suite of SUITES) {
    try {
      return await fetchFromSuite({ ...options, mirror, suite });
    } catch (error) {
      failure ??= error;
      options.signal?.throwIfAborted();
    }
  }
  throw failure;
}

/** The archive addresses in what `apt-get --print-uris update` prints: one quoted address per line. */
export function parseDebianMirrors(output: string): string[] {
  const mirrors = new Set<string>();
  for (const match of output.matchAll(/^'([^']+)\/dists\//gm)) {
    const mirror = match[1]?.replace(/\/+$/, "");
    // A Debian main archive ends in /debian by convention; security and third-party ones do not.
    if (mirror?.endsWith("/debian")) {
      mirrors.add(mirror);
    }
  }
  return [...mirrors];
}

async function findDebianMirror(signal: AbortSignal | undefined): Promise<string> {
  const { stdout } = await runCommand("apt-get", ["--print-uris", "update"], {
    timeoutMs: QUICK_TIMEOUT_MS,
    signal,
  }).catch(() => {
    throw new Error("this machine has no apt-get");
  });
  const [mirror] = parseDebianMirrors(stdout);
  if (mirror === undefined) {
    throw new Error("no Debian mirror is configured for apt");
  }
  return mirror;
}

async function fetchFromSuite(options: {
  readonly folder: string;
  readonly mirror: string;
  readonly suite: string;
  readonly signal?: AbortSignal | undefined;
}): Promise<string> {
  const folder = join(options.folder, options.suite);
  const apt = join(folder, "apt");
  for (const part of ["state/lists/partial", "cache/archives/partial", "etc/preferences.d"]) {
    await mkdir(join(apt, part), { recursive: true });
  }
  const hasKeyring = await isReadable(ARCHIVE_KEYRING);
  await writeFile(
    join(apt, "etc/sources.list"),
    `deb ${hasKeyring ? `[signed-by=${ARCHIVE_KEYRING}] ` : ""}${options.mirror} ${options.suite} main\n`,
  );
  const aptGet = (...args: string[]) =>
    runStep("apt-get", [...isolation(apt), "-qq", ...args], folder, options.signal);
  await aptGet("update");
  await aptGet("download", "nats-server");
  const deb = (await readdir(folder)).find((name) => name.endsWith(".deb"));
  if (deb === undefined) {
    throw new Error(`the Debian mirror has no nats-server in ${options.suite}`);
  }
  await runStep("dpkg-deb", ["-x", join(folder, deb), join(folder, "unpacked")], folder);
  return join(folder, "unpacked/usr/sbin/nats-server");
}

/** Turns every place where apt keeps state into one under `apt`. */
function isolation(apt: string): string[] {
  const settings = [
    `Dir::State=${join(apt, "state")}`,
    "Dir::State::status=/dev/null",
    `Dir::Cache=${join(apt, "cache")}`,
    `Dir::Etc::SourceList=${join(apt, "etc/sources.list")}`,
    "Dir::Etc::SourceParts=-",
    "Dir::Etc::Preferences=/dev/null",
    `Dir::Etc::PreferencesParts=${join(apt, "etc/preferences.d")}`,
    "APT::Get::List-Cleanup=0",
    "Acquire::Languages=none",
    "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
    "Acquire::Retries=1",
    "Acquire::http::Timeout=10",
    "Acquire::https::Timeout=10",
    // The folder may be in a home that the user `_apt` cannot enter.
    `APT::Sandbox::User=${userInfo().username}`,
    // The folders are ours alone, and the system-wide lock needs root.
    "Debug::NoLocking=1",
  ];
  return settings.flatMap((setting) => ["-o", setting]);
}

async function runStep(
  command: string,
  args: string[],
  cwd: string,
  signal?: AbortSignal,
): Promise<void> {
  const { code, stderr } = await runCommand(command, args, {
    timeoutMs: APT_TIMEOUT_MS,
    cwd,
    env: { ...process.env, LC_ALL: "C" },
    signal,
  });
  if (code !== 0) {
    const reason = stderr.split("\n").find((line) => line.startsWith("E:")) ?? stderr.trim();
    throw new Error(`${command} failed: ${reason}`);
  }
}

async function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
