/** Levels of a nats-server log line, from its three-letter marks. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

/** One line that the server wrote. */
export type LogLine = { readonly level: LogLevel; readonly message: string };

const LEVELS: ReadonlyMap<string, LogLevel> = new Map([
  ["TRC", "trace"],
  ["DBG", "debug"],
  ["INF", "info"],
  ["WRN", "warn"],
  ["ERR", "error"],
  ["FTL", "fatal"],
]);

/**
 * Takes the process id and the time off a log line. A line of another form is what the server
 * (or its launcher) says before its log is set up, which is always a reason not to start.
 */
export function parseLogLine(line: string): LogLine {
  const match = /^\[\d+\] [\d/]+ [\d:.]+ \[([A-Z]{3})\] ?(.*)$/.exec(line);
  const level = match?.[1] === undefined ? undefined : LEVELS.get(match[1]);
  return level === undefined
    ? { level: "fatal", message: line.replace(/^nats-server: /, "").trim() }
    : { level, message: match?.[2] ?? "" };
}

/** Whether the server ended because its client, monitor or cluster port is taken. */
export function isPortInUse(message: string): boolean {
  return /address already in use|Only one usage of each socket address/i.test(message);
}
