import { describe, expect, it } from "vitest";
import { compareVersions, isSupportedVersion, parseVersionOutput } from "./version.ts";

describe("parseVersionOutput", () => {
  it.each([
    ["nats-server: v2.15.1\n", "2.15.1"],
    ["nats-server: v2.12.0-RC.1", "2.12.0-RC.1"],
    ["nats-server version 2.10.27", undefined],
    ["nats-server: dev", undefined],
    ["GNU bash, version 5.2.15", undefined],
    ["", undefined],
  ])("%j is %j", (output, version) => {
    expect(parseVersionOutput(output)).toBe(version);
  });
});

describe("compareVersions", () => {
  it("orders by number, not by text, and a candidate before its release", () => {
    const sorted = [
      "2.9.10",
      "2.10.27",
      "2.12.0-RC.2",
      "2.12.0-RC.10",
      "2.12.0",
      "2.12.1",
      "3.0.0",
    ];
    expect([...sorted].reverse().sort(compareVersions)).toEqual(sorted);
  });

  it("is zero for equal versions, with or without a v", () => {
    expect(compareVersions("v2.15.1", "2.15.1")).toBe(0);
  });

  it("refuses what is not a version", () => {
    expect(() => compareVersions("latest", "2.15.1")).toThrow(RangeError);
  });
});

describe("isSupportedVersion", () => {
  it.each([
    ["2.11.9", false],
    ["2.12.0-RC.1", false],
    ["2.12.0", true],
    ["2.15.1", true],
  ])("%s: %s", (version, expected) => {
    expect(isSupportedVersion(version)).toBe(expected);
  });
});
