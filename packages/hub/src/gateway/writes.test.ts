import { ConatError, type Mutation, type StoreRef, type WriteResult } from "@conat/conat/internal";
import { expect, it } from "vitest";
import { Tally } from "../observability/tally.ts";
import type { ConnectionContext } from "./connection-context.ts";
import { Writes } from "./writes.ts";

const REF: StoreRef = {
  scope: { kind: "project", id: "p" },
  name: "s",
  ephemeral: false,
  service: "",
};

/** A connection with three writes under way; the test makes the server answer them, and the outbox leave. */
function threeWrites(): {
  said: unknown[][];
  answers: ((result: WriteResult) => void)[];
  leave(): void;
} {
  const said: unknown[][] = [];
  const answers: ((result: WriteResult) => void)[] = [];
  let giveLate = () => {};
  const session = {
    origin: "me",
    write: (_ref: StoreRef, _mutations: readonly Mutation[], onResult: (r: WriteResult) => void) =>
      void answers.push(onResult),
  };
  const context = {
    session,
    bound: {
      write: (
        _ref: StoreRef,
        mutations: readonly Mutation[],
        onResult: (result: WriteResult) => void,
        write: (accepted: readonly Mutation[], answer: (result: WriteResult) => void) => void,
      ) => write(mutations, onResult),
    },
    limits: { maxPendingWrites: 10, maxPendingWriteBytes: 1_000 },
    tally: new Tally(),
    outbox: {
      goLast: () => void said.push(["goes last"]),
      sendLate: (give: () => void) => {
        giveLate = give;
      },
      send: (...message: unknown[]) => void said.push(message),
    },
    refuse: (error: ConatError, tell: (error: ConatError) => void) => tell(error),
  };
  const writes = new Writes(context as unknown as ConnectionContext);
  for (const write of [1, 2, 3]) writes.write(REF, [[write, "k", null, null]]);
  return { said, answers, leave: () => giveLate() };
}

it("answers writes in the order of the server, refusals among them, and what is stored behind what others are told", () => {
  const { said, answers, leave } = threeWrites();
  const error = new ConatError("storage-full", "no room");
  answers[0]?.({ write: 1, ok: true, seq: 7, duplicate: false });
  answers[1]?.({ write: 2, ok: false, error });
  answers[2]?.({ write: 3, ok: true, seq: 8, duplicate: false });
  leave();
  expect(said).toEqual([
    ["goes last"],
    ["ack", [1, 7], []],
    ["nack", 2, "storage-full", "no room", null],
    ["goes last"],
    ["ack", [3, 8], []],
  ]);
});

it("acknowledges together all that is stored until the connection's outbox leaves", async () => {
  const { said, answers, leave } = threeWrites();
  answers[0]?.({ write: 1, ok: true, seq: 7, duplicate: false });
  await new Promise((resolve) => setImmediate(resolve));
  answers[1]?.({ write: 2, ok: true, seq: 5, duplicate: true });
  expect(said).toEqual([["goes last"]]);
  leave();
  answers[2]?.({ write: 3, ok: true, seq: 8, duplicate: false });
  leave();
  expect(said.filter(([event]) => event === "ack")).toEqual([
    ["ack", [1, 7, 2, 5], [2]],
    ["ack", [3, 8], []],
  ]);
});
