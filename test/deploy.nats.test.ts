import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { CONFIG_OPTIONS } from "../packages/hub/src/config-options.ts";

const DEPLOY = fileURLToPath(new URL("../deploy/", import.meta.url));

it("nats-server takes the configuration of a node as it is", () => {
  const server = process.env.CONAT_NATS_SERVER || "nats-server";
  const env = { NATS_NAME: "nats-1", NATS_PASSWORD: "secret" };
  const args = ["-t", "-c", `${DEPLOY}nats.conf`];
  expect(() => execFileSync(server, args, { env, stdio: "pipe" })).not.toThrow();
});

it.each(["compose.yaml", "systemd/conat-hub.service", "README.md"])(
  "%s uses options that hubs have",
  (file) => {
    const text = readFileSync(`${DEPLOY}${file}`, "utf8");
    const known = new Set<string>();
    for (const { flag, env } of Object.values(CONFIG_OPTIONS)) {
      known.add(flag.split(" ")[0] ?? flag);
      known.add(env);
    }
    // What belongs to docker, to the command conat, and to the servers.
    for (const other of [
      "--build",
      "--keep",
      "--yes",
      "--address",
      "--help",
      "NATS_NAME",
      "NATS_PASSWORD",
    ]) {
      known.add(other);
    }
    const used = text.match(/(?<![\w-])--[a-z][a-z-]+|\b(?:CONAT|NATS)_[A-Z_]+/g) ?? [];
    expect(used.length).toBeGreaterThan(2);
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  },
);
