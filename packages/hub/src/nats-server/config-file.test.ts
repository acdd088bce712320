import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type ConfigFileOptions, formatConfigFile, writeConfigFile } from "./config-file.ts";

const OPTIONS: ConfigFileOptions = {
  serverName: "one",
  port: 4222,
  monitorPort: 8222,
  dataDir: "/data/with a space",
  pidFile: "/data/pid",
  userPublicKey: "UABC",
  syncInterval: "1s",
};

describe("formatConfigFile", () => {
  it("listens on loopback only, with the limits that the stores need", () => {
    expect(formatConfigFile(OPTIONS)).toBe(`server_name: "one"
listen: "127.0.0.1:4222"
http: "127.0.0.1:8222"
pid_file: "/data/pid"
max_payload: 8MB
max_control_line: 8192
jetstream {
  store_dir: "/data/with a space"
  sync_interval: "1s"
}
authorization {
  users: [ { nkey: "UABC" } ]
}
`);
  });

  it("adds the limits and the cluster that were asked for", () => {
    const text = formatConfigFile({
      ...OPTIONS,
      syncInterval: "always",
      maxMemoryBytes: 1024,
      maxFileBytes: 2048,
      cluster: { name: "three", port: 6222, routes: [6222, 6223] },
    });
    expect(text).toContain('sync_interval: "always"');
    expect(text).toContain("max_memory_store: 1024");
    expect(text).toContain("max_file_store: 2048");
    expect(text).toContain('name: "three"\n  listen: "127.0.0.1:6222"');
    expect(text).toContain(
      'routes: [ "nats-route://127.0.0.1:6222", "nats-route://127.0.0.1:6223" ]',
    );
  });

  it("keeps a value from ending its string", () => {
    const text = formatConfigFile({ ...OPTIONS, dataDir: 'C:\\data "x"' });
    expect(text).toContain(String.raw`store_dir: "C:\\data \"x\""`);
  });

  it.each([
    ["a line break in a name", { serverName: "one\nlisten: 0.0.0.0" }],
    ["a broken port", { port: Number.NaN }],
    ["a negative limit", { maxFileBytes: -1 }],
  ])("refuses %s", (_what, wrong) => {
    expect(() => formatConfigFile({ ...OPTIONS, ...wrong })).toThrow(RangeError);
  });
});

describe("writeConfigFile", () => {
  it("lets only this user read the file, also over one that was open to all", async () => {
    const folder = await mkdtemp(join(tmpdir(), "conat-config-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, "nats.conf");
    await writeFile(path, "old", { mode: 0o644 });
    await writeConfigFile(path, OPTIONS);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, "utf8")).toBe(formatConfigFile(OPTIONS));
  });
});
