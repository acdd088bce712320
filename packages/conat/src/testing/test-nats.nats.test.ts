import { existsSync } from "node:fs";
import { connect } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { startTestNats } from "./test-nats.ts";

it("a test server keeps its port and its data over kill and restart, and is gone after stop", async () => {
  const server = await startTestNats({ config: ["server_name: somebody"] });
  const { url, pid } = server;
  const first = await connect({ servers: url, reconnect: false });
  expect(first.info?.server_name).toBe("somebody");
  expect(first.info?.max_payload).toBe(8 * 1024 * 1024);

  await server.kill();
  expect(server.pid).toBeUndefined();
  await server.restart();
  expect(server.url).toBe(url);
  expect(server.pid).not.toBe(pid);
  const second = await connect({ servers: url, reconnect: false });
  expect(second.info?.jetstream).toBe(true);

  await second.close();
  await server.stop();
  expect(server.pid).toBeUndefined();
  expect(existsSync(`/proc/${pid}`)).toBe(false);
});

it("a server that does not start says why in one sentence", async () => {
  await expect(startTestNats({ config: ["no such line: {"] })).rejects.toThrow(
    /nats-server exited:/,
  );
});
