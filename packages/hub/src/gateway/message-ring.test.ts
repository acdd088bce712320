import { expect, it } from "vitest";
import { MessageRing } from "./message-ring.ts";

const frame = (label: string): Buffer => Buffer.from(label.padEnd(10, "."));

function labels(ring: MessageRing<string, Buffer>): string[] {
  const told: string[] = [];
  for (let next = ring.shift(); next; next = ring.shift()) {
    told.push(`${next.owner}:${next.frame.toString().replaceAll(".", "")}`);
  }
  return told;
}

it("a slow subscriber loses the oldest messages, and learns of how many of each topic", () => {
  const ring = new MessageRing<string, Buffer>(30);
  for (const label of ["1", "2", "3", "4", "5"]) ring.push(label === "2" ? "b" : "a", frame(label));
  expect(ring.takeDropped()).toEqual([
    ["a", 1],
    ["b", 1],
  ]);
  expect(ring.takeDropped()).toEqual([]);
  expect(labels(ring)).toEqual(["a:3", "a:4", "a:5"]);
  expect(ring.isEmpty).toBe(true);
});

it("stays in order and bounded over many messages", () => {
  const ring = new MessageRing<string, Buffer>(100);
  for (let count = 0; count < 1_000; count += 1) {
    ring.push("a", frame(String(count)));
    if (count % 3 === 0) ring.shift();
  }
  const dropped = ring.takeDropped()[0]?.[1] ?? 0;
  expect(labels(ring)).toEqual(Array.from({ length: 9 }, (_, index) => `a:${991 + index}`));
  expect(dropped).toBeGreaterThan(600);
});

it("forgets a topic that nobody listens to any more", () => {
  const ring = new MessageRing<string, Buffer>(30);
  for (const label of ["1", "2", "3", "4"]) ring.push(label === "3" ? "b" : "a", frame(label));
  ring.forget("a");
  expect(ring.takeDropped()).toEqual([]);
  expect(labels(ring)).toEqual(["b:3"]);
});
