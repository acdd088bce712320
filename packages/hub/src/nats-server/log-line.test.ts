import { describe, expect, it } from "vitest";
import { isPortInUse, parseLogLine } from "./log-line.ts";

describe("parseLogLine", () => {
  it.each([
    ["[42] 2026/11/21 09:11:53.985842 [INF] Server is ready", "info", "Server is ready"],
    ["[42] 2026/11/21 09:11:53.985842 [WRN] Slow", "warn", "Slow"],
    ["[42] 2026/11/21 09:11:53.985842 [FTL] Error listening", "fatal", "Error listening"],
    ["[42] 2026/11/21 09:11:53.985842 [INF] ", "info", ""],
    ['nats-server: f.conf:1:0: unknown field "x"', "fatal", 'f.conf:1:0: unknown field "x"'],
    ["flock: cannot open lock file", "fatal", "flock: cannot open lock file"],
  ])("%s", (line, level, message) => {
    expect(parseLogLine(line)).toEqual({ level, message });
  });
});

describe("isPortInUse", () => {
  it("recognises a taken port and nothing else", () => {
    expect(
      isPortInUse(
        'Error listening on port: 127.0.0.1:1, "listen tcp 127.0.0.1:1: bind: address already in use"',
      ),
    ).toBe(true);
    expect(isPortInUse("permission denied")).toBe(false);
  });
});
