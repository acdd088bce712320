import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadConfig } from "./config.ts";
import { CONFIG_OPTIONS } from "./config-options.ts";

const folder = mkdtempSync(join(tmpdir(), "conat-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

function load(args: string[] = [], env: Record<string, string> = {}) {
  const config = loadConfig({ args, env }, () => undefined);
  if (config === undefined) throw new Error("only help was asked for");
  return config;
}

function file(content: unknown): string {
  const path = join(folder, `${Math.random()}.json`);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

describe("options of the command", () => {
  it("have defaults that need nothing said", () => {
    expect(load()).toMatchObject({
      port: 4400,
      host: "127.0.0.1",
      dev: false,
      dataDir: "./.conat",
      natsUrl: undefined,
      static: undefined,
      markerTtl: 86_400_000,
      maxReplicaBytes: 1_073_741_824,
      allowOrigin: [],
    });
  });

  it("come from flags before environment before file", () => {
    const path = file({
      port: 1,
      host: "file.example",
      drain: "7s",
      dev: true,
      allowOrigin: ["a", "b"],
    });
    const env = { CONAT_CONFIG: path, CONAT_PORT: "2", CONAT_HOST: "env.example", CONAT_DRAIN: "" };
    expect(load(["--port", "3"], env)).toMatchObject({
      port: 3,
      host: "env.example",
      drain: 7_000,
      dev: true,
      allowOrigin: ["a", "b"],
    });
  });

  it("are understood with their units", () => {
    const args = ["--marker-ttl", "2h", "--ping-interval", "500", "--max-value-bytes", "64KiB"];
    expect(load(args)).toMatchObject({
      markerTtl: 7_200_000,
      pingInterval: 500,
      maxValueBytes: 65_536,
    });
  });

  it("take the nkey for NATS from a file, so that it shows in no list of processes", () => {
    const seed = "SUAGMJH5XLGZKQQWAWKRZJIGMOU4HPFUYLXJMXOO5NLFEO2OOQJ5LPRDPM";
    const path = join(folder, "user.nk");
    writeFileSync(path, `${seed}\n`);
    expect(load(["--nats-nkey", path]).natsNkey).toBe(seed);
    expect(() => load([], { NATS_NKEY: join(folder, "none") })).toThrow(
      /^NATS_NKEY must be a readable file with the seed/,
    );
  });

  it.each([
    [["--prot", "1"], "unknown option '--prot'"],
    [["--port"], "argument missing"],
    [["--port", "65536"], '--port must be a whole number from 0 to 65535, not "65536"'],
    [["--port", "4e3"], "--port must be"],
    [["--marker-ttl", "soon"], "--marker-ttl must be a duration such as"],
    [["--marker-ttl", "25d"], "--marker-ttl must be"],
    [["--max-value-bytes", "-1"], "--max-value-bytes must be a size such as"],
    [["--log-level", "loud"], "--log-level must be one of silent"],
    [["--host", ""], "--host must be some text"],
    [["extra"], "too many arguments"],
  ])("%j is refused in one sentence", (args, message) => {
    expect(() => load(args)).toThrow(message);
    expect(() => load(args)).not.toThrow(/\n/);
  });

  it("name where a wrong value came from", () => {
    expect(() => load([], { CONAT_PORT: "x" })).toThrow(/^CONAT_PORT must be/);
    expect(() => load(["--config", file({ port: "x" })])).toThrow(
      /^"port" in the configuration file/,
    );
    expect(() => load(["--config", file({ prot: 1 })])).toThrow(/unknown option "prot"/);
    expect(() => load(["--config", file({ constructor: 1 })])).toThrow(
      /unknown option "constructor"/,
    );
    expect(() => load(["--config", file("[]")])).toThrow(/must hold one JSON object/);
    expect(() => load(["--config", file("{")])).toThrow(/cannot be read/);
    expect(() => load(["--config", join(folder, "none")])).toThrow(/cannot be read: ENOENT/);
  });

  it("leave --version alone: it shows the version and asks for nothing else", () => {
    let shown = "";
    const write = (text: string): void => {
      shown += text;
    };
    expect(loadConfig({ args: ["--version"], env: {} }, write)).toBeUndefined();
    expect(shown).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("all show in --help with their variable, and help asks for nothing else", () => {
    let help = "";
    expect(loadConfig({ args: ["--help"], env: {} }, (text) => (help += text))).toBeUndefined();
    for (const { flag, env } of Object.values(CONFIG_OPTIONS)) {
      expect(help).toContain(flag.split(" ")[0]);
      expect(help).toContain(env);
    }
  });
});
