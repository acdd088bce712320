export { parseServers, type ServerAddresses } from "./address.ts";
export { BoundEntries } from "./bound-entries.ts";
export { dial } from "./dial.ts";
export { type JetstreamMetrics, JetstreamSession } from "./jetstream-session.ts";
export { createNkey, type Nkey } from "./nkey.ts";
export { openJetstream, startJetstream } from "./open-jetstream.ts";
export {
  DEFAULT_DEDUPE_WINDOW_MS,
  DEFAULT_HEAD_CHECK_MS,
  DEFAULT_MARKER_TTL_MS,
  type JetstreamOptions,
} from "./options.ts";
export { MIN_API_LEVEL, MIN_SERVER_VERSION } from "./server-gate.ts";
export type { StoredEntry } from "./stored-entries.ts";
