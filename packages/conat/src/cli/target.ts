import * as v from "valibot";
import { defaultAddress, parseAddress } from "../client/address.ts";
import type { Client } from "../client/client.ts";
import { connect } from "../client/connect.ts";
import type { ConnectOptions } from "../client/connect-options.ts";
import {
  parseName,
  parseScope,
  type Scope,
  type ScopeOptions,
  type StoreRef,
  scopeKey,
} from "../protocol/scope.ts";
import { usageError } from "./exit.ts";
import { readSeed } from "./nkey-file.ts";

/** The options that every command has, as the command line gives them. */
const targetOptions = v.object({
  address: v.optional(v.string()),
  token: v.optional(v.string()),
  nkey: v.optional(v.string()),
  project: v.optional(v.string()),
  account: v.optional(v.string()),
  hub: v.optional(v.boolean()),
  store: v.optional(v.string()),
  ephemeral: v.optional(v.boolean(), false),
  asAccount: v.optional(v.string()),
  asProject: v.optional(v.string()),
  projects: v.optional(v.array(v.string())),
  timeout: v.number(),
});
type TargetOptions = v.InferOutput<typeof targetOptions>;

/** What a command works on. */
export interface Target {
  /** Connected. */
  readonly client: Client;
  readonly timeoutMs: number;
  readonly scopeOptions: ScopeOptions;
  readonly scope: Scope;
  /** The scope for people to read. */
  readonly place: string;
  readonly ephemeral: boolean;
  /** The store that `--store` names. */
  store(): StoreRef;
}

/** Connects, does the work, and closes. @throws CommandFailure or ConatError */
export async function withTarget(
  given: unknown,
  work: (target: Target) => Promise<void>,
): Promise<void> {
  const options = v.parse(targetOptions, given);
  const scopeOptions = toScopeOptions(options);
  const scope = parseScope(scopeOptions);
  const identity = toIdentity(options);
  const { address, token, asProject } = options;
  const nkeySeed = toSeed(options);
  // At NATS itself this says that the command is not trusted there.
  const client = connect({ address, token, nkeySeed, identity, project_id: asProject });
  try {
    await client.ready(options.timeout);
    await work({
      client,
      timeoutMs: options.timeout,
      scopeOptions,
      scope,
      place: scopeKey(scope),
      ephemeral: options.ephemeral,
      store: () => toStoreRef(options, scope),
    });
  } finally {
    await client.close();
  }
}

/** The environment may name a key for all commands; one of the command line must be of use. */
function toSeed(options: TargetOptions): Uint8Array | undefined {
  return options.nkey !== undefined && takesNkey(options) ? readSeed(options.nkey) : undefined;
}

/** A key is for NATS itself, and for who is trusted there. */
export function takesNkey({
  address,
  asProject,
}: Pick<TargetOptions, "address" | "asProject">): boolean {
  return asProject === undefined && parseAddress(address ?? defaultAddress()).kind === "nats";
}

function toScopeOptions({ project, account, hub }: TargetOptions): ScopeOptions {
  const scopes: ScopeOptions[] = [];
  if (project !== undefined) scopes.push({ project_id: project });
  if (account !== undefined) scopes.push({ account_id: account });
  if (hub === true) scopes.push({ hub });
  const [scope] = scopes;
  if (scope !== undefined && scopes.length === 1) return scope;
  throw usageError("say whose stores: exactly one of --project ID, --account ID and --hub");
}

function toStoreRef({ store, ephemeral }: TargetOptions, scope: Scope): StoreRef {
  if (store === undefined) throw usageError("say which store: --store NAME");
  return { scope, name: parseName("--store", store), ephemeral, service: "" };
}

/** Who to be to a hub in development mode: by default whoever owns the scope. Others look at the token alone. */
function toIdentity(options: TargetOptions): ConnectOptions["identity"] {
  const { asAccount, asProject, projects, project, account } = options;
  if (asAccount !== undefined && asProject !== undefined) {
    throw usageError("be one of both: --as-account or --as-project");
  }
  if (projects !== undefined && asAccount === undefined) {
    throw usageError("--projects goes with --as-account");
  }
  if (asProject !== undefined) return { project_id: asProject };
  if (asAccount !== undefined) {
    const own: Record<string, "owner"> = project === undefined ? {} : { [project]: "owner" };
    return { account_id: asAccount, projects: projects ?? own };
  }
  if (project !== undefined) return { project_id: project };
  return account === undefined ? undefined : { account_id: account };
}
