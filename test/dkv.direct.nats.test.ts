import { connect } from "@conat/conat";
import { useTestNats } from "@conat/conat/testing";
import { describe } from "vitest";
import { describeDkv } from "./dkv-behaviour.ts";
import { useDkvBench } from "./dkv-bench.ts";
import { describeDkvConflicts } from "./dkv-conflict-behaviour.ts";
import { describeDkvOptions } from "./dkv-options-behaviour.ts";

describe("a store straight on NATS", () => {
  const nats = useTestNats();
  const bench = useDkvBench(() => ({ connect: () => connect(nats().url) }));
  describeDkv(bench);
  describeDkvConflicts(bench);
  describeDkvOptions(bench);
});
