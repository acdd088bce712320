import { connect, type NatsConnection } from "@nats-io/transport-node";
import { expect, it, onTestFinished } from "vitest";
import { useTestNats } from "../testing/use-test-nats.ts";
import { Elections } from "./elections.ts";

const server = useTestNats();
const ELECTED = "$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED";

async function listen(): Promise<{ connection: NatsConnection; elections: Elections }> {
  const connection = await connect({ servers: server().url });
  onTestFinished(() => connection.close());
  const elections = new Elections();
  elections.listen(connection);
  return { connection, elections };
}

it("a question that nobody answers is asked again when its stream has a leader", async () => {
  const { connection, elections } = await listen();
  const questions: Promise<string>[] = [new Promise(() => {}), Promise.resolve("answer")];
  const left: number[] = [];
  elections.onElected(() => left.push(questions.length));
  const answer = elections.ask("KV_a", async () => questions.shift() ?? "asked too often");
  for (const stream of ["KV_b", "KV_a", "KV_a"]) connection.publish(`${ELECTED}.${stream}`);
  expect(await answer).toBe("answer");
  await connection.flush();
  expect(left).toEqual([1, 1, 0]);
});

it("a question that fails is not asked again", async () => {
  const { connection, elections } = await listen();
  let asked = 0;
  const answer = elections.ask("KV_a", async () => {
    asked += 1;
    throw new Error("no");
  });
  await expect(answer).rejects.toThrow("no");
  connection.publish(`${ELECTED}.KV_a`);
  await connection.flush();
  expect(asked).toBe(1);
});
