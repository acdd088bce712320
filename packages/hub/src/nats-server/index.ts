export {
  type AccountKeys,
  BACKENDS_ACCOUNT,
  DATA_ACCOUNT,
  formatAccounts,
} from "./accounts.ts";
export {
  type BackendKeys,
  createBackendKeys,
  formatBackendKeys,
  parseBackendKeys,
  publicKeyOf,
} from "./backend-keys.ts";
export type { BinarySource, NatsServerBinary } from "./binary.ts";
export type { ClusterOptions, SyncInterval } from "./config-file.ts";
export { NatsServerError, type NatsServerErrorKind } from "./errors.ts";
export { pickFreePort } from "./free-port.ts";
export type { LaunchMode, ServerExit } from "./launch.ts";
export type { NatsServerLog, StartNatsServerOptions } from "./options.ts";
export { type ResolveOptions, resolveNatsServer } from "./resolve-binary.ts";
export { type NatsServer, type NatsServerStatus, startNatsServer } from "./supervisor.ts";
export { MIN_NATS_SERVER_VERSION } from "./version.ts";
