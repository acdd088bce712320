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
  for (const stream of ["KV_b", "KV_a"]) connection.publish(`${ELECTED}.${stream}`);
  expect(await answer).toBe("answer");
  connection.publish(`${ELECTED}.KV_a`);
  await connection.flush();
  expect(left).toEqual([1, 1, 0]);
});

it("a question is asked again at every election, until one is answered or fails", async () => {
  const { connection, elections } = await listen();
  const never = () => new Promise<string>(() => {});
  const no = new Error("no");
  const fail = () => Promise.reject<string>(no);
  for (const [last, outcome] of [[async () => "answer", "answer"] as const, [fail, no] as const]) {
    const questions = [never, never, last];
    const settled = elections
      .ask("KV_a", () => questions.shift()?.() ?? Promise.resolve("asked too often"))
      .catch((error: unknown) => error);
    for (let left = questions.length; left > 0; left -= 1) connection.publish(`${ELECTED}.KV_a`);
    expect(await settled).toBe(outcome);
  }
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
