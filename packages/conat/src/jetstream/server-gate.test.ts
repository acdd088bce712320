import { describe, expect, it } from "vitest";
import { checkServer } from "./server-gate.ts";

describe("the server gate", () => {
  it.each([
    ["2.12.0", 2],
    ["2.12.1-RC.3", 2],
    ["2.15.1", 5],
    ["3.0.0", 9],
  ])("lets nats-server %s with API level %i in", (version, level) => {
    expect(() => checkServer(version, level)).not.toThrow();
  });

  it.each([
    ["2.10.27", 0],
    ["2.11.9", 1],
    ["1.99.99", 2],
    ["2.12.0", 1],
  ])("refuses nats-server %s with API level %i and names both versions", (version, level) => {
    expect(() => checkServer(version, level)).toThrow(
      expect.objectContaining({
        kind: "server-too-old",
        message: expect.stringMatching(
          new RegExp(`${version.replaceAll(".", "\\.")}.* ${level}; .*2\\.12\\.0.*2`),
        ),
      }),
    );
  });
});
