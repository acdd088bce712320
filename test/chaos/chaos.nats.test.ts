import { expect, it } from "vitest";
import { quickOptions } from "./quick.ts";
import { runChaos } from "./run.ts";

it("four clients lose nothing while hubs, lines and the only nats-server fail", async () => {
  const lines: string[] = [];
  const { problems, figures } = await runChaos({
    ...quickOptions(1),
    log: (line) => void lines.push(line),
  });
  expect(problems, `${lines.join("\n")}\n${JSON.stringify(figures, undefined, 1)}`).toEqual([]);
  // A run in which nothing could be done proves nothing.
  expect(figures.confirmed).toBeGreaterThan(300);
  expect(figures["updates acknowledged"]).toBeGreaterThan(50);
}, 120_000);
