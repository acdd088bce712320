import { connect } from "@conat/conat";
import { useTestNats } from "@conat/conat/testing";
import { describe } from "vitest";
import { useDkvBench } from "./dkv-bench.ts";
import { describeEveryBehaviour } from "./every-behaviour.ts";

describe("a store straight on NATS", () => {
  const nats = useTestNats();
  describeEveryBehaviour(
    useDkvBench(() => ({ address: () => nats().url, connect: (address) => connect(address) })),
  );
});
