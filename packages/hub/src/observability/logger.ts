import { destination, type Logger, pino } from "pino";

export const LOG_LEVELS = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Values under these names are secrets wherever they come up; a log line shows that they were there and no more. */
const SECRET_FIELDS = ["token", "password", "authorization", "cookie", "nkeySeed"];

/** A logger of JSON lines on standard error; standard output belongs to whoever started the hub. */
export function createLogger(level: LogLevel): Logger {
  const paths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
  return pino(
    { name: "conat-hub", level, redact: { paths, censor: "[secret]" } },
    destination({ fd: 2, sync: true }),
  );
}
