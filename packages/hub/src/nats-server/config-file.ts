import { chmod, rename, writeFile } from "node:fs/promises";
import { type AccountKeys, formatAccounts } from "./accounts.ts";

/** Values of 512 kB travel with headers and, in batches, side by side; the server's own default is 1 MB. */
const MAX_PAYLOAD = "8MB";
/** A subject (scope, store and key, escaped) plus a reply inbox; the server's own default is 4096. */
const MAX_CONTROL_LINE_BYTES = 8192;

/** How often written data is forced to disk; `always` before every acknowledgement. */
export type SyncInterval = "always" | `${number}${"ms" | "s" | "m"}`;

/** What makes this server one node of a cluster. */
export type ClusterOptions = {
  /** The same on every node. */
  readonly name: string;
  /** Where other nodes connect. */
  readonly port: number;
  /** The cluster ports of the other nodes, all on this machine; its own may be among them. */
  readonly routes: readonly number[];
};

/** Everything the configuration file says. */
export type ConfigFileOptions = {
  readonly serverName: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly dataDir: string;
  readonly pidFile: string;
  /** The public nkey (`U…`) of the one user that may reach the data. */
  readonly userPublicKey: string;
  /** Keys for an account of projects' own backends; undefined for none. */
  readonly backends?: Omit<AccountKeys, "hub"> | undefined;
  readonly syncInterval: SyncInterval;
  /** JetStream limits; undefined leaves them to the server (three quarters of memory, of free disk). */
  readonly maxMemoryBytes?: number | undefined;
  readonly maxFileBytes?: number | undefined;
  readonly cluster?: ClusterOptions | undefined;
};

/** The text of a nats-server configuration file that listens on loopback only. */
export function formatConfigFile(options: ConfigFileOptions): string {
  const { cluster } = options;
  const jetstream = [
    `store_dir: ${quote(options.dataDir)}`,
    `sync_interval: ${quote(options.syncInterval)}`,
    ...(options.maxMemoryBytes === undefined
      ? []
      : [`max_memory_store: ${integer(options.maxMemoryBytes)}`]),
    ...(options.maxFileBytes === undefined
      ? []
      : [`max_file_store: ${integer(options.maxFileBytes)}`]),
  ];
  const lines = [
    `server_name: ${quote(options.serverName)}`,
    `listen: ${quote(loopback(options.port))}`,
    `http: ${quote(loopback(options.monitorPort))}`,
    `pid_file: ${quote(options.pidFile)}`,
    `max_payload: ${MAX_PAYLOAD}`,
    `max_control_line: ${MAX_CONTROL_LINE_BYTES}`,
    "jetstream {",
    ...jetstream.map((line) => `  ${line}`),
    "}",
    ...authorizationLines(options),
    ...(cluster === undefined ? [] : clusterLines(cluster)),
  ];
  return `${lines.join("\n")}\n`;
}

/**
 * Writes a configuration file that only this user can read, in one step: a server that starts
 * meanwhile sees the old file or the new one.
 */
export async function writeConfigFile(path: string, options: ConfigFileOptions): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, formatConfigFile(options), { mode: 0o600 });
  // The mode above is not applied to a file that a killed process left behind.
  await chmod(temporary, 0o600);
  await rename(temporary, path);
}

function authorizationLines({ userPublicKey, backends }: ConfigFileOptions): string[] {
  if (backends) return formatAccounts({ ...backends, hub: userPublicKey });
  return ["authorization {", `  users: [ { nkey: ${quote(userPublicKey)} } ]`, "}"];
}

function clusterLines(cluster: ClusterOptions): string[] {
  const routes = cluster.routes.map((port) => quote(`nats-route://${loopback(port)}`));
  return [
    "cluster {",
    `  name: ${quote(cluster.name)}`,
    `  listen: ${quote(loopback(cluster.port))}`,
    `  routes: [ ${routes.join(", ")} ]`,
    "}",
  ];
}

function loopback(port: number): string {
  return `127.0.0.1:${integer(port)}`;
}

function integer(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${value} is not a whole number of bytes or a port`);
  }
  return String(value);
}

/** The format knows no escapes for control characters, and none belongs into a path or a name. */
const FIRST_PRINTABLE = 0x20;

function quote(value: string): string {
  if ([...value].some((char) => (char.codePointAt(0) ?? 0) < FIRST_PRINTABLE)) {
    throw new RangeError(`${JSON.stringify(value)} has a control character`);
  }
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
