import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { expect, it, onTestFinished } from "vitest";
import { eventually } from "../testing/eventually.ts";
import { useTestNats } from "../testing/use-test-nats.ts";
import { subscribeRaw } from "./frame-parser.ts";
import { NatsLink } from "./nats-link.ts";
import { resolveOptions } from "./options.ts";
import type { RawMessage } from "./raw-message.ts";

const server = useTestNats();

function unexpected(): never {
  return expect.unreachable();
}

it("messages are read where they lie, also when the connection is up again", async () => {
  const sender = await connect({ servers: server().url });
  onTestFinished(() => sender.close());
  const ups: NatsConnection[] = [];
  const link = new NatsLink(resolveOptions({ servers: server().url }), "test", {
    onUp: (connection) => void ups.push(connection),
    onAttempt: () => {},
    onDown: () => {},
    onRefused: unexpected,
  });
  onTestFinished(() => link.close());
  link.start();
  await eventually(() => ups.length === 1);
  const connection = ups[0] ?? unexpected();
  const told: boolean[] = [];
  // The client library has a part of its own for the subject, and another one for what is said.
  const note = ({ line, bytes }: RawMessage): void => void told.push(line === bytes);
  subscribeRaw(connection, "here", note, unexpected);
  await connection.flush();
  sender.publish("here", "one");
  await eventually(() => told.length === 1);
  await connection.reconnect();
  await eventually(() => ups.length === 2);
  await connection.flush();
  sender.publish("here", "two");
  await eventually(() => told.length === 2);
  expect(ups).toEqual([connection, connection]);
  expect(told).toEqual([true, true]);
});
