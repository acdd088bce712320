import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "../../../conat/src/testing/eventually.ts";
import { createBackendKeys } from "../nats-server/index.ts";
import { Tally } from "../observability/tally.ts";
import { BackendGate } from "./backend-gate.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Speaks as a nats-server that lets everybody in; `onSubscribe` gets what somebody wants to listen to, and how to refuse. */
async function listenAsNats(
  onSubscribe: (subject: string, refuse: () => void) => void,
): Promise<{ readonly url: string; readonly sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.write('INFO {"server_id":"x","version":"2.12.0","headers":true,"nonce":"n"}\r\n');
    let rest = "";
    socket.setEncoding("utf8").on("data", (text: string) => {
      const lines = `${rest}${text}`.split("\r\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const [verb, subject = "", ...queueAndId] = line.split(" ");
        const queue = queueAndId.length > 1 ? ` using queue "${queueAndId[0]}"` : "";
        const violation = `Permissions Violation for Subscription to "${subject}"${queue}`;
        if (verb === "SUB") onSubscribe(subject, () => socket.write(`-ERR '${violation}'\r\n`));
        if (verb === "PING") socket.write("PONG\r\n");
      }
    });
  });
  servers.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

function open(url: string): Promise<BackendGate> {
  return BackendGate.open({
    servers: url,
    keys: createBackendKeys(),
    http: createHttpServer(),
    admit: () => Promise.reject(new Error("nobody")),
    limits: { maxConnections: 1, maxAddressConnections: 1, maxAddressHandshakeRate: 0 },
    tally: new Tally(),
    logger: pino({ level: "silent" }),
  });
}

describe("the gate of a hub that NATS does not let hear backends", () => {
  it("does not open, and leaves no connection behind", async () => {
    const { url, sockets } = await listenAsNats((subject, refuse) => {
      if (subject.startsWith("conat-tunnel.up.")) refuse();
    });
    await expect(open(url)).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringMatching(/permissions violation/i),
    });
    expect(sockets).toHaveLength(1);
    await eventually(() => sockets.every((socket) => socket.destroyed));
  });

  it("is not listening until NATS lets it, and asks until then", async () => {
    const refusals: (() => void)[] = [];
    let mayHear = true;
    const { url } = await listenAsNats((_subject, refuse) => {
      if (mayHear) refusals.push(refuse);
      else refuse();
    });
    const gate = await open(url);
    expect(gate.isListening).toBe(true);
    const asked = refusals.length;
    mayHear = false;
    for (const again of refusals) again();
    await eventually(() => !gate.isListening);
    mayHear = true;
    await eventually(() => gate.isListening);
    expect(refusals).toHaveLength(2 * asked);
    await gate.close();
  });
});

it.each(["http://127.0.0.1:4222", "nats://127.0.0.1,tls://127.0.0.2", ""])(
  "what is no address of NATS is refused by name: %j",
  async (address) => {
    await expect(open(address)).rejects.toMatchObject({ kind: "bad-address" });
  },
);
