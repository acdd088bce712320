import { defaultClient } from "../client/default-client.ts";
import type { ScopeOptions } from "../protocol/scope.ts";
import type { Session } from "../session/session.ts";

/** Whose stores, and over which connection. */
export interface StoresOptions extends ScopeOptions {
  /** Whose connection to use. @default the process-wide client of `CONAT_URL`, or of the page's own origin */
  readonly client?: { readonly session: Session } | undefined;
  /** How long to wait until the connection is there, in milliseconds. @default 30000 */
  readonly timeoutMs?: number | undefined;
}

/** Names one store. */
export interface StoreOptions extends StoresOptions {
  readonly name: string;
  /** The store in the server's memory, not the one on disk. @default false */
  readonly ephemeral?: boolean | undefined;
  /** Name of another hub service that keeps the store. @default the standard one */
  readonly service?: string | undefined;
}

/** The session to ask, once it is connected. @throws ConatError `timeout`, or the reason of a refusal */
export async function readySession({ client, timeoutMs }: StoresOptions): Promise<Session> {
  const { session } = client ?? defaultClient();
  await session.ready(timeoutMs);
  return session;
}
