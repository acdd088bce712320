import { join } from "node:path";
import { startTestNats } from "@conat/conat/testing";
import { expect, it, onTestFinished } from "vitest";
import { runCli } from "./cli-kit.ts";

const CERTIFICATE = join(import.meta.dirname, "tls", "cert.pem");
const KEY = join(import.meta.dirname, "tls", "key.pem");

/** More than one chunk from the network. */
const LONG = "x".repeat(100_000);

it.each([
  ["which asks for it", []],
  ["which would rather begin with it", ["handshake_first: auto"]],
])(
  "speaks TLS with a nats-server %s, and only with one it trusts",
  async (_when, options) => {
    const tls = [`cert_file: "${CERTIFICATE}"`, `key_file: "${KEY}"`, ...options];
    const server = await startTestNats({ config: [`tls { ${tls.join(", ")} }`] });
    onTestFinished(() => server.stop());
    const run = (command: string[], env?: Record<string, string>) => {
      const where = ["--address", server.url.replace("nats:", "tls:"), "--project", "p"];
      return runCli([...command, ...where, "--store", "s", "--timeout", "5s"], { env });
    };
    const trusting = { NODE_EXTRA_CA_CERTS: CERTIFICATE };
    expect(await run(["set", "long", JSON.stringify(LONG)], trusting)).toMatchObject({ code: 0 });
    const got = await run(["get", "long"], trusting);
    expect(JSON.parse(got.stdout)).toBe(LONG);
    const refused = await run(["get", "long"]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("certificate");
  },
  60_000,
);
