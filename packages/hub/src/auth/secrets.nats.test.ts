import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { HubSession } from "../../../conat/src/session/hub-session.ts";
import { eventually } from "../../../conat/src/testing/eventually.ts";
import { RawClient } from "../test-kit/raw-client.ts";
import { SpawnedHub } from "../test-kit/spawn-hub.ts";
import { signToken, TEST_SECRET } from "../test-kit/tokens.ts";

it("a hub that checks tokens tells in its log who came and who was refused, and no secret, however much it logs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "conat-secrets-"));
  const hub = new SpawnedHub([
    "--port",
    "0",
    "--data-dir",
    folder,
    "--log-level",
    "trace",
    "--jwt-secret",
    TEST_SECRET,
    "--cookie",
    "session",
    "--drain",
    "0",
  ]);
  try {
    const url = await hub.url();
    const token = await signToken({ account_id: "alice" });
    const expired = await signToken({ account_id: "mallory" }, -60_000);
    const session = new HubSession({ address: new URL(url), token });
    await session.ready();
    await session.close();
    const cookie = await RawClient.open(url, {
      auth: { v: 1, client: "instance-00000001" },
      headers: { Cookie: `session=${expired}`, Authorization: "Bearer hush" },
    });
    await eventually(() => cookie.refusal !== undefined);
    cookie.close();
    await eventually(() => /"audit":"connect".*account alice/.test(hub.stderr));
    await eventually(() => /"audit":"deny".*expired/.test(hub.stderr));
    for (const secret of [token, expired, TEST_SECRET, "hush"]) {
      for (const part of secret.split(".")) expect(hub.stderr + hub.stdout).not.toContain(part);
    }
  } finally {
    await hub.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
