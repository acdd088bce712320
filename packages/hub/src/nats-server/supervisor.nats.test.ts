import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Kvm } from "@nats-io/kv";
import { connect, type NatsConnection, nkeyAuthenticator } from "@nats-io/transport-node";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { NatsServerBinary } from "./binary.ts";
import { pickFreePort } from "./free-port.ts";
import { detectLaunchMode, type LaunchMode, type ServerExit } from "./launch.ts";
import type { StartNatsServerOptions } from "./options.ts";
import { isRunning } from "./processes.ts";
import { resolveNatsServer } from "./resolve-binary.ts";
import { type NatsServer, type NatsServerStatus, startNatsServer } from "./supervisor.ts";
import { eventually } from "./test-kit/eventually.ts";
import { writeFakeServer } from "./test-kit/fake-server.ts";
import { temporaryFolder } from "./test-kit/temporary-folder.ts";

let binary: NatsServerBinary;

beforeAll(async () => {
  binary = await resolveNatsServer();
});

async function start(options: Partial<StartNatsServerOptions> = {}): Promise<NatsServer> {
  const dataDir = options.dataDir ?? (await temporaryFolder());
  const server = await startNatsServer({ binary, ...options, dataDir });
  onTestFinished(() => server.stop());
  return server;
}

async function client(server: NatsServer): Promise<NatsConnection> {
  const connection = await connect({
    servers: server.url,
    authenticator: nkeyAuthenticator(new TextEncoder().encode(server.nkeySeed)),
    reconnectTimeWait: 20,
    maxReconnectAttempts: -1,
  });
  onTestFinished(() => connection.close());
  return connection;
}

it("keeps what was stored before projects' backends got an account of their own", async () => {
  const dataDir = await temporaryFolder();
  const before = await start({ dataDir });
  const written = await new Kvm(await client(before)).create("kept");
  const revision = await written.put("a", "1");
  await before.stop();
  for (let round = 0; round < 2; round += 1) {
    const after = await start({ dataDir, backends: true });
    const entry = await (await new Kvm(await client(after)).open("kept")).get("a");
    expect([entry?.string(), entry?.revision]).toEqual(["1", revision]);
    await after.stop();
  }
});

function pidOf(server: NatsServer): number {
  if (server.pid === undefined) {
    throw new Error("the server has no process");
  }
  return server.pid;
}

function nextStatus(server: NatsServer, wanted: NatsServerStatus): Promise<void> {
  return new Promise((resolve) => {
    const off = server.onStatus((status) => {
      if (status === wanted) {
        off();
        resolve();
      }
    });
  });
}

async function nextReconnect(connection: NatsConnection): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === "reconnect") {
      return;
    }
  }
  throw new Error("the connection was closed for good");
}

it("uses the kernel's lock and death signal where the tests run on Linux", async () => {
  const expected = process.platform === "linux" ? "native" : "wrapper";
  expect(await detectLaunchMode(await temporaryFolder())).toBe(expected);
});

describe.each<LaunchMode>(process.platform === "linux" ? ["native", "wrapper"] : ["wrapper"])(
  "%s launch",
  (launchMode) => {
    it("takes clients that have the key, and no others", async () => {
      const server = await start({ launchMode });
      expect(server.url).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
      expect(server.status).toBe("running");
      const connection = await client(server);
      expect(connection.info).toMatchObject({ version: server.version, jetstream: true });
      expect(connection.info?.max_payload).toBe(8 * 1024 * 1024);
      await expect(connect({ servers: server.url, reconnect: false })).rejects.toThrow();
    });

    it("keeps the data, the key and what is private through a restart of the hub", async () => {
      const dataDir = join(await temporaryFolder(), "not made yet");
      const first = await start({ launchMode, dataDir });
      const bucket = await new Kvm(await client(first)).create("b");
      await bucket.put("k", "v");
      await first.stop();

      const second = await start({ launchMode, dataDir });
      const entry = await (await new Kvm(await client(second)).open("b")).get("k");
      expect(entry?.string()).toBe("v");
      expect(second.nkeySeed).toBe(first.nkeySeed);
      for (const name of ["user.nk", "nats-server.conf"]) {
        expect((await stat(join(dataDir, name))).mode & 0o077).toBe(0);
      }
    });

    it("comes back on the same address after kill -9, with its data", async () => {
      const server = await start({ launchMode });
      const { url, monitorUrl } = server;
      const connection = await client(server);
      const bucket = await new Kvm(connection).create("b");
      await bucket.put("k", "v");
      const exits: ServerExit[] = [];
      server.onExit((exit) => exits.push(exit));
      const killed = pidOf(server);

      const again = nextStatus(server, "running");
      const reconnected = nextReconnect(connection);
      server.kill("SIGKILL");
      await again;

      expect(server).toMatchObject({ url, monitorUrl, status: "running" });
      expect(pidOf(server)).not.toBe(killed);
      expect(exits).toEqual([{ code: undefined, signal: "SIGKILL" }]);
      await reconnected;
      expect((await bucket.get("k"))?.string()).toBe("v");
    });

    it("refuses a folder that another server uses, and takes it when that one has gone", async () => {
      const dataDir = await temporaryFolder();
      const first = await start({ launchMode, dataDir });
      await expect(startNatsServer({ binary, launchMode, dataDir })).rejects.toMatchObject({
        kind: "folder-in-use",
        message: expect.stringContaining(dataDir),
      });
      expect(await isRunning(pidOf(first))).toBe(true);
      await first.stop();
      await start({ launchMode, dataDir });
    });

    it("leaves no process behind when it stops, however often it is told to", async () => {
      const server = await start({ launchMode });
      const pid = pidOf(server);
      const exits: ServerExit[] = [];
      server.onExit((exit) => exits.push(exit));
      await Promise.all([server.stop(), server.stop()]);
      expect(await isRunning(pid)).toBe(false);
      expect(server).toMatchObject({ status: "stopped", pid: undefined });
      expect(exits).toHaveLength(1);
      expect(server.kill("SIGKILL")).toBe(false);
    });

    it("stops a server that is frozen", async () => {
      const server = await start({ launchMode });
      const pid = pidOf(server);
      server.pause();
      await server.stop();
      expect(await isRunning(pid)).toBe(false);
    });

    it("stops between two lives of the server", async () => {
      const server = await start({ launchMode });
      const restarting = nextStatus(server, "restarting");
      server.kill("SIGKILL");
      await restarting;
      await server.stop();
      expect(server).toMatchObject({ status: "stopped", pid: undefined });
    });

    it("ends when the process that started it is killed", async () => {
      const dataDir = await temporaryFolder();
      const parent = startParent(dataDir, launchMode);
      const serverPid = await firstServerPid(parent);
      expect(await isRunning(serverPid)).toBe(true);
      parent.kill("SIGKILL");
      await eventually("the server ends", async () => !(await isRunning(serverPid)));
      await start({ launchMode, dataDir });
    });

    it("says in one sentence why a server does not start", async () => {
      const dataDir = await temporaryFolder();
      const failing = start({ launchMode, dataDir, serverName: "has a space" });
      await expect(failing).rejects.toMatchObject({
        kind: "start-failed",
        message: expect.stringMatching(
          /^nats-server ended at start \(exit code 1\): .*server name cannot contain spaces\.$/,
        ),
      });
      // Nothing of the failed start keeps the folder.
      await start({ launchMode, dataDir });
    });
  },
);

it("names the port that somebody else has", async () => {
  const port = await pickFreePort();
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
  onTestFinished(() => {
    other.close();
  });
  await expect(start({ port })).rejects.toMatchObject({
    kind: "port-in-use",
    message: expect.stringContaining(`port ${port}`),
  });
});

it("takes every option, and a folder with a strange name", async () => {
  const dataDir = join(await temporaryFolder(), 'a "quoted" $name \\ ü');
  const server = await start({
    dataDir,
    syncInterval: "always",
    maxMemoryBytes: 1024 * 1024,
    maxFileBytes: 2 * 1024 * 1024,
  });

  const answer = await fetch(`${server.monitorUrl}/jsz`);
  expect(await answer.json()).toMatchObject({
    config: {
      max_memory: 1024 * 1024,
      max_storage: 2 * 1024 * 1024,
      store_dir: join(dataDir, "jetstream"),
      sync_always: true,
    },
  });
});

it("keeps a listener that throws from doing harm", async () => {
  const logged: string[] = [];
  const server = await start({ log: (_level, message) => logged.push(message) });
  server.onExit(() => {
    throw new Error("a bug");
  });
  const again = nextStatus(server, "running");
  server.kill("SIGKILL");
  await again;
  expect(logged).toContain("a listener of the nats-server threw: Error: a bug");
});

it("listens on the port it was told", async () => {
  const port = await pickFreePort();
  expect((await start({ port })).url).toBe(`nats://127.0.0.1:${port}`);
});

it("refuses a binary that is too old or none at all", async () => {
  const folder = await temporaryFolder();
  const old = await writeFakeServer(join(folder, "nats-server"), "2.10.27");
  await expect(start({ binary: old })).rejects.toMatchObject({ kind: "too-old" });
  await expect(start({ binary: join(folder, "none") })).rejects.toMatchObject({
    kind: "not-found",
  });
});

it("gives up on a server that never gets ready, and leaves nothing running", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "nats-server");
  await writeFile(path, `#!/bin/sh\necho $$ > "${folder}/pid"\nexec sleep 60\n`, { mode: 0o755 });
  const failing = start({
    binary: { path, version: "2.15.1", source: "environment" },
    startTimeoutMs: 200,
  });
  await expect(failing).rejects.toMatchObject({ kind: "start-failed" });
  const pid = Number(await readFile(join(folder, "pid"), "utf8"));
  expect(await isRunning(pid)).toBe(false);
});

it("does not wait for what a server leaves behind when it ends", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "nats-server");
  const script = `#!/bin/sh\nsleep 60 &\necho $! > "${folder}/pid"\necho "it broke" >&2\nexit 3\n`;
  await writeFile(path, script, { mode: 0o755 });
  const failing = start({ binary: { path, version: "2.15.1", source: "environment" } });
  await expect(failing).rejects.toMatchObject({
    kind: "start-failed",
    message: "nats-server ended at start (exit code 3): it broke.",
  });
  process.kill(Number(await readFile(join(folder, "pid"), "utf8")), "SIGKILL");
});

it("makes no folder where the system allows none, and says so", async () => {
  const dataDir = process.platform === "linux" ? "/proc/conat/data" : "/dev/null/data";
  await expect(start({ dataDir })).rejects.toMatchObject({ kind: "folder-unusable" });
});

it.each([
  ["user.nk", ""],
  ["user.nk", "SU"],
  ["backends.nk", ""],
  ["backends.nk", '{"gate":"SUAM'],
])("says which file to remove when a key is damaged: %s holds %j", async (name, text) => {
  const dataDir = await temporaryFolder();
  await writeFile(join(dataDir, name), text);
  await expect(start({ dataDir, backends: true })).rejects.toMatchObject({
    kind: "folder-unusable",
    message: expect.stringContaining(`${name} does not hold a key: remove the file`),
  });
});

it("replaces a server that hangs, but not one that was paused on purpose", async () => {
  const paused = await start({ healthIntervalMs: 50 });
  const hanging = await start({ healthIntervalMs: 50 });
  const pausedPid = pidOf(paused);
  const hangingPid = pidOf(hanging);
  paused.pause();
  const replaced = nextStatus(hanging, "running");
  hanging.kill("SIGSTOP");
  await replaced;
  expect(pidOf(hanging)).not.toBe(hangingPid);
  paused.resume();
  await paused.waitUntilHealthy();
  expect(pidOf(paused)).toBe(pausedPid);
});

it("gives up a server that cannot be restarted, and says so", async () => {
  const path = join(await temporaryFolder(), "nats-server");
  await writeFile(path, `#!/bin/sh\nexec "${binary.path}" "$@"\n`, { mode: 0o755 });
  const logged: string[] = [];
  const server = await start({
    binary: { ...binary, path },
    maxRestarts: 2,
    log: (_level, message) => logged.push(message),
  });
  const failed = nextStatus(server, "failed");
  await writeFile(path, "#!/bin/sh\necho 'it broke' >&2\nexit 1\n");
  server.kill("SIGKILL");
  await failed;
  expect(logged.at(-1)).toBe("nats-server could not be restarted 2 times in a row");
  expect(logged).toContain("nats-server ended at start (exit code 1): it broke.");
});

it("passes the server's warnings on, with their level", async () => {
  const logged: string[] = [];
  const server = await start({ log: (level, message) => logged.push(`${level}: ${message}`) });
  await connect({ servers: server.url, reconnect: false, user: "a", pass: "b" }).catch(() => {});
  await eventually("the refused client is reported", () =>
    logged.some((line) => /^error: nats-server: .*authentication error/.test(line)),
  );
});

it("forms a cluster of three that keeps taking writes without one of them", async () => {
  const folder = await temporaryFolder();
  const routes = [await pickFreePort(), await pickFreePort(), await pickFreePort()];
  const seedHolder = await start();
  const nodes = await Promise.all(
    routes.map(async (port, index) => {
      const dataDir = join(folder, `node-${index}`);
      await mkdir(dataDir);
      return start({
        dataDir,
        serverName: `node-${index}`,
        nkeySeed: seedHolder.nkeySeed,
        cluster: { name: "three", port, routes },
      });
    }),
  );
  await Promise.all(nodes.map((node) => node.waitUntilHealthy()));
  const [first, second] = nodes;
  if (first === undefined || second === undefined) {
    throw new Error("three nodes were started");
  }
  const bucket = await new Kvm(await client(first)).create("b", { replicas: 3 });
  // A node hears of a new bucket's subject a moment after the bucket is there, and of a new leader
  // when there is one; until then it answers "no responders".
  const taken = (value: string) =>
    eventually(
      `"${value}" is taken`,
      async () => (await bucket.put("k", value).catch(() => 0)) > 0,
      20_000,
    );
  await taken("with all three");
  await second.stop();
  await taken("with the two that are left");
});

function startParent(dataDir: string, launchMode: LaunchMode): ChildProcess {
  const script = join(import.meta.dirname, "test-kit/parent.ts");
  const parent = spawn(
    process.execPath,
    ["--conditions=source", "--import", "tsx", script, dataDir, binary.path, launchMode],
    { stdio: ["ignore", "pipe", "inherit"], cwd: import.meta.dirname },
  );
  onTestFinished(() => {
    parent.kill("SIGKILL");
  });
  return parent;
}

function firstServerPid(parent: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    parent.once("exit", () => reject(new Error("the parent ended before it said anything")));
    if (parent.stdout !== null) {
      createInterface({ input: parent.stdout }).once("line", (line) => {
        const said: { serverPid: number } = JSON.parse(line);
        resolve(said.serverPid);
      });
    }
  });
}
