import { sha256 } from "#sha256";
import { ConatError } from "./conat-error.ts";
import type { Scope, StoreRef, TopicRef } from "./scope.ts";
import { utf8 } from "./utf8.ts";

/**
 * The only module that turns names into NATS subjects and back. Layout of a key's subject:
 * `$KV.<bucket>.<scope kind>.<scope id>.<store>.<key>`, each part one escaped token.
 */

declare const brand: unique symbol;
/** Name of a KV bucket. */
export type Bucket = string & { readonly [brand]: "bucket" };
/** A NATS subject or subject filter. */
export type Subject = string & { readonly [brand]: "subject" };
/** One escaped token of a subject. */
export type Token = string & { readonly [brand]: "token" };

/** Header that carries the true key (base64url of UTF-8) where the token is a hash of it. */
export const KEY_HEADER = "Conat-Key";
/** Header that carries the true store name where its token is a hash of it. */
export const STORE_HEADER = "Conat-Store";

/**
 * Longest token that is written out. Four tokens, the bucket and the reply inbox must fit nats-server's
 * default `max_control_line` of 4,096 bytes.
 */
const MAX_TOKEN_BYTES = 1_000;

/** `=` is always followed by two hex digits or the end, so this prefix cannot be the start of an escaped name. */
const HASH_PREFIX = "==";
const EMPTY_TOKEN = "=";

/** Stands in a subject where a key would, for the record that a store was destroyed. No name is escaped to this. */
export const FLOOR_TOKEN = "=floor";

const PLAIN = /^[A-Za-z0-9_-]+$/;
const fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Escapes a name as one subject token: `[A-Za-z0-9_-]` as is, other bytes as `=HH`, "" as `=`, too long as a hash. */
export function encodeToken(name: string): Token {
  if (PLAIN.test(name) && name.length <= MAX_TOKEN_BYTES) return name as Token;
  if (name === "") return EMPTY_TOKEN as Token;
  const bytes = utf8.encode(name);
  let token = "";
  if (bytes.length <= MAX_TOKEN_BYTES) {
    for (const byte of bytes) token += isPlain(byte) ? String.fromCharCode(byte) : escapeByte(byte);
    if (token.length <= MAX_TOKEN_BYTES) return token as Token;
  }
  return (HASH_PREFIX + toBase64Url(sha256(bytes))) as Token;
}

/** True when the token stands for a name too long to write out; the name itself is then in a header. */
export function isHashToken(token: string): boolean {
  return token.startsWith(HASH_PREFIX);
}

/**
 * The name that a token stands for, or `undefined` when the token is not one that {@link encodeToken} makes
 * (somebody else's subject; two spellings of one key would break compare-and-set).
 * @param trueName the header that goes with a hash token.
 */
export function decodeToken(token: string, trueName: string | undefined): string | undefined {
  if (PLAIN.test(token)) return token.length <= MAX_TOKEN_BYTES ? token : undefined;
  if (token === EMPTY_TOKEN) return "";
  const name = isHashToken(token) ? decodeTrueName(trueName) : unescapeToken(token);
  return name !== undefined && encodeToken(name) === token ? name : undefined;
}

/** The value of {@link KEY_HEADER} or {@link STORE_HEADER} for a name. */
export function encodeTrueName(name: string): string {
  return toBase64Url(utf8.encode(name));
}

function decodeTrueName(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  try {
    const binary = atob(header.replaceAll("-", "+").replaceAll("_", "/"));
    return fromUtf8.decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
  } catch {
    return undefined;
  }
}

function unescapeToken(token: string): string | undefined {
  const bytes: number[] = [];
  for (let at = 0; at < token.length; at += 1) {
    if (token[at] !== "=") {
      bytes.push(token.charCodeAt(at));
      continue;
    }
    const hex = token.slice(at + 1, at + 3);
    if (!/^[0-9A-F]{2}$/.test(hex)) return undefined;
    bytes.push(Number.parseInt(hex, 16));
    at += 2;
  }
  try {
    return fromUtf8.decode(Uint8Array.from(bytes));
  } catch {
    return undefined;
  }
}

function isPlain(byte: number): boolean {
  return (
    (byte >= 48 && byte <= 57) ||
    (byte >= 65 && byte <= 90) ||
    (byte >= 97 && byte <= 122) ||
    byte === 45 ||
    byte === 95
  );
}

function escapeByte(byte: number): string {
  return `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
}

function toBase64Url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The bucket that keeps a scope's stores: `conat-p<n>` on disk, `conat-e<n>` in memory. */
export function bucketOf(scope: Scope, ephemeral: boolean, partitions: number): Bucket {
  return bucketName(ephemeral, hash32(scopePath(scope)) % partitions);
}

/** Name of partition `index` of the persistent or the ephemeral buckets. */
export function bucketName(ephemeral: boolean, index: number): Bucket {
  return `conat-${ephemeral ? "e" : "p"}${index}` as Bucket;
}

/** Name of the JetStream stream under a bucket. */
export function streamName(bucket: Bucket): string {
  return `KV_${bucket}`;
}

/**
 * Where JetStream's API is asked.
 * @param verb such as `STREAM.INFO`
 * @param names of what it is asked about, in the API's order
 */
export function apiSubject(verb: string, ...names: readonly string[]): string {
  return ["$JS.API", verb, ...names].join(".");
}

const ELECTED = "$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED";

/** Where a cluster tells of every stream that has got a leader. */
export function electionSubjects(): Subject {
  return `${ELECTED}.*` as Subject;
}

/** The stream that such a message is about. */
export function electedStream(subject: string): string {
  return subject.slice(ELECTED.length + 1);
}

/** Every subject a bucket stores. */
export function bucketSubjects(bucket: Bucket): Subject {
  return `$KV.${bucket}.>` as Subject;
}

/** What a bucket republishes, and where. */
export interface Republishing {
  readonly src: string;
  readonly dest: string;
}

/**
 * One subject for each store. Which key it is a header says: with a subject for each key the server would look up who
 * listens, and remember it, for every key anew, which is a seventh of what it does for a write.
 * @param isByKey Buckets that were made before that have one for each key, and keep it: others may listen to it.
 */
export function republishing(bucket: Bucket, isByKey: boolean): Republishing {
  if (isByKey) return { src: bucketSubjects(bucket), dest: `conat-live.${bucket}.>` };
  return {
    src: `$KV.${bucket}.*.*.*.*`,
    dest: `conat-live.${bucket}.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}`,
  };
}

/** Filter that matches the stored subject of every key of one store, and of no other store. */
export function storeFilter(bucket: Bucket, ref: StoreRef): Subject {
  return `$KV.${bucket}.${storePath(ref)}.*` as Subject;
}

/**
 * Where what is stored in one store is republished.
 * @param isByKey as for {@link republishing}
 */
export function storeLiveFilter(bucket: Bucket, ref: StoreRef, isByKey: boolean): Subject {
  return `conat-live.${bucket}.${storePath(ref)}${isByKey ? ".*" : ""}` as Subject;
}

/** Filter that matches the stored subject of every key of every store of a scope. */
export function scopeFilter(bucket: Bucket, scope: Scope): Subject {
  return `$KV.${bucket}.${scopePath(scope)}.>` as Subject;
}

/** What the subjects of all keys of a store begin with; the token of the key follows. */
export function keyPath(bucket: Bucket, ref: StoreRef): string {
  return `$KV.${bucket}.${storePath(ref)}.`;
}

/** The subject that a key's values are stored under. */
export function keySubject(bucket: Bucket, ref: StoreRef, key: string): Subject {
  return (keyPath(bucket, ref) + encodeToken(key)) as Subject;
}

/** The subject of the record that says up to which sequence a store was destroyed. */
export function floorSubject(bucket: Bucket, ref: StoreRef): Subject {
  return `$KV.${bucket}.${storePath(ref)}.${FLOOR_TOKEN}` as Subject;
}

/** Where a record is stored only to find out which sequence it gets. */
export function probeSubject(bucket: Bucket): Subject {
  return keySubject(bucket, PROBE, "");
}

const PROBE: StoreRef = {
  scope: { kind: "hub", id: "" },
  name: "conat-probe",
  ephemeral: false,
  service: "",
};

/** The key's name for any NATS KV client of the bucket, such as `nats kv get <bucket> <this>`. */
export function natsKey(ref: StoreRef, key: string): string {
  return `${storePath(ref)}.${encodeToken(key)}`;
}

/** The last token of a stored subject: the key. */
export function keyToken(subject: string): string {
  return subject.slice(subject.lastIndexOf(".") + 1);
}

/** The store token of a stored subject, for listing stores. */
export function storeToken(subject: string): string | undefined {
  return subject.split(".")[4];
}

/**
 * The scope and the name of the store that a stored subject belongs to; `undefined` when conat writes no such subject.
 * @param trueName the value of {@link STORE_HEADER}, where there is one.
 */
export function decodeStorePath(
  subject: string,
  trueName: string | undefined,
): { readonly scope: Scope; readonly name: string } | undefined {
  const [, , kind, idToken = "", nameToken = "", key, ...rest] = subject.split(".");
  const id = decodeToken(idToken, undefined);
  const name = decodeToken(nameToken, trueName);
  if (id === undefined || name === undefined || key === undefined || rest.length > 0) {
    return undefined;
  }
  if (kind === "account" || kind === "project") return { scope: { kind, id }, name };
  return kind === "hub" && id === "" ? { scope: { kind, id }, name } : undefined;
}

/** The core subject of a PubSub channel. Nothing stores it. */
export function topicSubject(ref: TopicRef): Subject {
  return `conat-ps.${scopePath(ref.scope)}.${encodeToken(ref.path)}.${encodeToken(ref.name)}` as Subject;
}

/** The way of one project's backend to a hub over NATS: what it may publish to, and what it listens to. */
export interface TunnelSubjects {
  /** Asks any hub for a tunnel. */
  readonly open: Subject;
  /** To the hub that has answered. */
  readonly up: (hubId: string) => Subject;
  /** From that hub. */
  readonly down: Subject;
}

/**
 * @param connection random, so that nobody else listens to it: 16 to 64 characters of `A-Z a-z 0-9 _ -`
 */
export function tunnelSubjects(project_id: string, connection: string): TunnelSubjects {
  const end = `project.${encodeToken(project_id)}.${connection}`;
  return {
    open: `conat-tunnel.open.${end}` as Subject,
    up: (hubId) => `conat-tunnel.up.${hubId}.${end}` as Subject,
    down: `conat-tunnel.down.${end}` as Subject,
  };
}

/** What a hub listens to: everybody's wish for a tunnel, and what comes through those to itself. */
export function tunnelFilters(hubId: string): { readonly open: Subject; readonly up: Subject } {
  return {
    open: "conat-tunnel.open.project.*.*" as Subject,
    up: `conat-tunnel.up.${hubId}.project.*.*` as Subject,
  };
}

/** Whose tunnel a subject under {@link tunnelFilters} is of; `undefined` for one that no client spells like this. */
export function decodeTunnelSubject(
  subject: string,
): { readonly project_id: string; readonly connection: string } | undefined {
  const [connection = "", idToken = ""] = subject.split(".").reverse();
  const project_id = decodeToken(idToken, undefined);
  if (!project_id || !TUNNEL_ID.test(connection)) return undefined;
  return { project_id, connection };
}

const TUNNEL_ID = /^[A-Za-z0-9_-]{16,64}$/;

/** The name under which a project's backend signs in to NATS. */
export function tunnelUser(project_id: string, connection: string): string {
  return `${encodeToken(project_id)}.${connection}`;
}

/** Who signs in under a name of {@link tunnelUser}; `undefined` for any other name. */
export function decodeTunnelUser(user: string): ReturnType<typeof decodeTunnelSubject> {
  return user.split(".").length === 2 ? decodeTunnelSubject(user) : undefined;
}

/** The last store that was asked for, which is mostly the next one, too. */
let last = { kind: "", id: "", name: "", path: "" };

function storePath({ scope, name, service }: StoreRef): string {
  if (service !== "") {
    throw new ConatError(
      "bad-options",
      `no service called ${JSON.stringify(service)} keeps stores here`,
    );
  }
  const { kind, id } = scope;
  if (name !== last.name || id !== last.id || kind !== last.kind) {
    last = { kind, id, name, path: `${scopePath(scope)}.${encodeToken(name)}` };
  }
  return last.path;
}

function scopePath(scope: Scope): string {
  return `${scope.kind}.${encodeToken(scope.id)}`;
}

/** FNV-1a, 32 bits: spreads scopes over partitions; not for security. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash ^= text.charCodeAt(at);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}
