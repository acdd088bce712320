import { openJetstream } from "@conat/conat/jetstream";
import { eventually } from "@conat/conat/testing";
import { expect, it } from "vitest";
import { startTcpProxy } from "../tcp-proxy.ts";
import { project_id, useBench } from "./bench.ts";

const bench = useBench();

/** More than the kernel takes for a peer that does not read. */
const WRITES = 300;
const VALUE_BYTES = 50_000;

/** A server that is silent is left after 30 s. */
const PATIENCE_MS = 60_000;

it("a server that stops reading in the middle of writes is left like one that is silent", async () => {
  const nats = await bench.nats();
  const line = bench.later(await startTcpProxy(nats.port));
  const servers = `nats://127.0.0.1:${line.port}`;
  const session = bench.later(await openJetstream({ servers }));
  const scope = { kind: "project", id: project_id } as const;
  const ref = { scope, name: "work", ephemeral: false, service: "" };
  line.stall();
  const value = new Uint8Array(VALUE_BYTES);
  const { origin } = session;
  for (let at = 0; at < WRITES; at += 1) {
    const mutation = { key: `${at}`, value, ttlMs: 0, expectedSeq: undefined, headers: undefined };
    session.write(ref, [{ ...mutation, origin, write: session.nextWrite() }], () => undefined);
  }
  await eventually(() => session.status.state !== "ready", { timeoutMs: PATIENCE_MS });
  line.mend();
  await session.ready(PATIENCE_MS);
  expect(session.status.state).toBe("ready");
}, 150_000);
