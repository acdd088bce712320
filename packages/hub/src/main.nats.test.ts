import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect } from "@conat/conat";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HubSession } from "../../conat/src/session/hub-session.ts";
import { eventually } from "../../conat/src/testing/eventually.ts";
import { FeedProbe, mutate, store } from "../../conat/src/testing/session-probe.ts";
import { startTestNats } from "../../conat/src/testing/test-nats.ts";
import { isRunning, SpawnedHub } from "./test-kit/spawn-hub.ts";

let folder = "";
const spawned: SpawnedHub[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "conat hub "));
});
afterEach(async () => {
  for (const hub of spawned.splice(0)) await hub.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

function run(...args: string[]): SpawnedHub {
  const hub = new SpawnedHub(args);
  spawned.push(hub);
  return hub;
}

const runDev = (...args: string[]): SpawnedHub =>
  run("--dev", "--port", "0", "--data-dir", folder, "--drain", "100ms", ...args);

function natsPid(): number {
  return Number(readFileSync(join(folder, "nats-server.pid"), "utf8"));
}

const ref = {
  scope: { kind: "project" as const, id: "p" },
  name: "s",
  ephemeral: false,
  service: "",
};

async function withSession(url: string, use: (session: HubSession) => Promise<void>) {
  const session = new HubSession({ address: new URL(url), identity: { project_id: "p" } });
  try {
    await session.ready();
    await use(session);
  } finally {
    await session.close();
  }
}

describe("the command", () => {
  it("reads its rules again on SIGHUP, for what is open too, and keeps what it had when they are wrong", async () => {
    const file = join(folder, "rules.json");
    const put = (path: string): void =>
      writeFileSync(file, JSON.stringify({ rules: [{ allow: ["read", "write"], path }] }));
    put("project/p/s/**");
    const hub = runDev("--rules", file);
    await withSession(await hub.url(), async (session) => {
      const feed = new FeedProbe(session, ref);
      await feed.synced();
      await store(session, ref, mutate(session, "k", "1"));
      writeFileSync(file, "{");
      hub.child.kill("SIGHUP");
      await eventually(() => hub.stderr.includes("cannot be used"));
      await store(session, ref, mutate(session, "k", "2"));
      put("project/*/s/only/*");
      hub.child.kill("SIGHUP");
      // What is open is told anew, as far as it may still be seen.
      await eventually(() => feed.types.filter((type) => type === "reset").length === 2);
      await expect(store(session, ref, mutate(session, "k", "3"))).rejects.toMatchObject({
        kind: "forbidden",
      });
    });
  }, 40_000);

  it("makes a configuration for a NATS server that projects' backends may reach, and hubs take its keys", async () => {
    const made = run("--make-nats-accounts", folder);
    expect(await made.exitCode()).toBe(0);
    expect(made.stdout).toContain("--nats-backend-keys");
    const config = readFileSync(join(folder, "nats-accounts.conf"), "utf8").split("\n");
    await using nats = await startTestNats({ config });
    const hub = run(
      ...["--dev", "--port", "0", "--nats-url", nats.url, "--nats-nkey", join(folder, "hub.nk")],
      ...["--nats-backend-keys", join(folder, "backends.nk"), "--drain", "100ms"],
    );
    await hub.url();
    await using backend = connect(nats.url, { project_id: "p" });
    await backend.ready();

    const again = run("--make-nats-accounts", folder);
    expect(await again.exitCode()).not.toBe(0);
    const wrong = run("--dev", "--nats-backend-keys", join(folder, "hub.nk"));
    expect(await wrong.exitCode()).toBe(2);
    expect(wrong.stderr).toContain("a file that --make-nats-accounts has written");
    expect(wrong.stderr).not.toContain("SU");
  }, 40_000);

  it("prints one URL, serves stores and the page, keeps the data, and leaves no child", async () => {
    const page = mkdtempSync(join(tmpdir(), "conat-page-"));
    writeFileSync(join(page, "index.html"), "<h1>hello</h1>");
    const first = runDev("--static", page);
    const url = await first.url();
    expect(first.stdout).toBe(`conat: ${url}\n`);
    const html = await fetch(url);
    expect(await html.text()).toBe("<h1>hello</h1>");
    expect(html.headers.get("x-content-type-options")).toBe("nosniff");
    expect((await fetch(`${url}/../../etc/passwd`)).status).toBe(404);
    expect((await fetch(`${url}/%`)).status).toBe(404);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    await withSession(url, async (session) => {
      await store(session, ref, mutate(session, "k", "kept"));
    });
    const pid = natsPid();
    expect(isRunning(pid)).toBe(true);
    expect(await first.kill("SIGTERM")).toBe(0);
    expect(isRunning(pid)).toBe(false);
    expect(first.stderr).toBe("");

    const second = runDev();
    await withSession(await second.url(), async (session) => {
      const feed = new FeedProbe(session, ref);
      await feed.synced();
      expect(feed.textOf("k")).toBe("kept");
    });
    expect(await second.kill("SIGINT")).toBe(0);
    rmSync(page, { recursive: true });
  });

  it("takes its server with it when it is killed", async () => {
    const hub = runDev();
    await hub.url();
    const pid = natsPid();
    await hub.kill("SIGKILL");
    await eventually(() => !isRunning(pid));
  });

  it("that is told twice to stop does so at once", async () => {
    const hub = run("--dev", "--port", "0", "--data-dir", folder, "--drain", "60s");
    const url = await hub.url();
    await withSession(url, async () => {
      const pid = natsPid();
      hub.child.kill("SIGTERM");
      await expect
        .poll(() => fetch(`${url}/healthz`).then(({ status }) => status), { timeout: 5_000 })
        .toBe(200);
      expect(await hub.kill("SIGTERM")).toBe(143);
      await eventually(() => !isRunning(pid));
    });
  });

  it("that is told to stop while it starts leaves nothing behind", async () => {
    const hub = runDev();
    await eventually(() => {
      natsPid();
      return true;
    });
    const pid = natsPid();
    expect(await hub.kill("SIGTERM")).toBe(0);
    await eventually(() => !isRunning(pid));
  });

  it("that is told to stop while NATS is not there ends at once, and has said what it waits for", async () => {
    const hub = run("--dev", "--port", "0", "--nats-url", "nats://127.0.0.1:1");
    await eventually(() => expect(hub.stderr).toBe("conat: NATS is not reached yet; trying on\n"));
    expect(await hub.kill("SIGTERM")).toBe(0);
  });

  it("says that it fetches a nats-server where there is none", async () => {
    const nowhere = { PATH: "", CONAT_NATS_SERVER: "", CONAT_CACHE: join(folder, "cache") };
    const hub = new SpawnedHub(["--dev", "--port", "0", "--data-dir", folder], undefined, nowhere);
    spawned.push(hub);
    await eventually(() => expect(hub.stderr).toMatch(/^conat: downloading nats-server/));
    await hub.kill("SIGTERM");
  });

  it("shows its options with --help and starts nothing", async () => {
    const hub = run("--help");
    expect(await hub.exitCode()).toBe(0);
    expect(hub.stdout).toContain("--data-dir <folder>");
    expect(hub.stderr).toBe("");
  });

  it("shows them to who has enough after the first line, and does not mind", async () => {
    const hub = run("--help");
    hub.child.stdout?.destroy();
    expect(await hub.exitCode()).toBe(0);
    expect(hub.stderr).toBe("");
  });
});

describe("what cannot work is said in one sentence", () => {
  it.each([
    [["--prot", "1"], 2, /^conat: unknown option '--prot'/],
    [["--dev", "--port", "x"], 2, /^conat: --port must be a whole number/],
    [
      ["--dev", "--host", "0.0.0.0"],
      2,
      /^conat: development mode .* loopback only, not on 0\.0\.0\.0/,
    ],
    [[], 2, /^conat: nothing says how clients prove who they are/],
    [
      ["--dev", "--port", "0", "--static", "no-such-folder"],
      2,
      /^conat: there is no folder no-such/,
    ],
    [["--dev", "--port", "0", "--host", "127.9.9.999"], 2, /^conat: /],
    [["--dev", "--port", "0", "--nats-url", "http://x"], 2, /^conat: not a NATS address/],
  ])("%j", async (args, code, message) => {
    const hub = run(...args, "--data-dir", folder);
    expect(await hub.exitCode()).toBe(code);
    expect(hub.stderr).toMatch(message);
    expect(hub.stderr.trim().split("\n")).toHaveLength(1);
    expect(hub.stdout).toBe("");
  });

  it("a port in use, before a server is started", async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, "127.0.0.1", () => {
        const address = other.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    const hub = run("--dev", "--port", String(port), "--data-dir", folder);
    expect(await hub.exitCode()).toBe(1);
    expect(hub.stderr).toBe(
      `conat: 127.0.0.1:${port} is in use: stop the program that has it, or choose another port\n`,
    );
    expect(() => natsPid()).toThrow();
    await new Promise((resolve) => other.close(resolve));
  });

  it.each(["a file", "a file/below", "dangling/below"])("a data folder at %s", async (name) => {
    writeFileSync(join(folder, "a file"), "");
    symlinkSync(join(folder, "nowhere"), join(folder, "dangling"));
    const dataDir = join(folder, name);
    const hub = run("--dev", "--port", "0", "--data-dir", dataDir);
    expect(await hub.exitCode()).toBe(1);
    expect(hub.stderr.trim().split("\n")).toHaveLength(1);
    expect(hub.stderr).toContain(`conat: The folder ${dataDir} cannot hold the data`);
  });

  it("a data folder that another hub has", async () => {
    const first = runDev();
    await first.url();
    const second = runDev();
    expect(await second.exitCode()).toBe(1);
    expect(second.stderr).toMatch(/^conat: /);
    expect(second.stderr.trim().split("\n")).toHaveLength(1);
    expect((await fetch(`${await first.url()}/readyz`)).status).toBe(200);
  });
});

it("a program that has closed its hub has nothing left to do and ends", async () => {
  const script = fileURLToPath(new URL("./test-kit/start-use-close.ts", import.meta.url));
  const program = new SpawnedHub([folder], script);
  spawned.push(program);
  expect(await program.exitCode()).toBe(0);
  expect(program.stdout).toBe("closed\n");
});
