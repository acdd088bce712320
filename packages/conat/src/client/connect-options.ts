import type { Hello } from "../protocol/messages/hello.ts";
import type { Environment } from "../transport/environment.ts";

export interface ConnectOptions {
  /**
   * `http:`, `https:`, `ws:` or `wss:` for a hub; `nats:` or `tls:` straight to NATS, for trusted backends in Node.
   * Several of one kind, as a list or separated by commas, are hubs of one system or servers of one cluster: the client
   * begins at any of them, and goes on to the next when one is lost.
   * @default the environment variable `CONAT_URL`; in a page its own origin
   */
  readonly address?: string | readonly string[] | undefined;
  /** Bearer token; for a hub also a function: asked for one at every (re)connect, and before the last one expires. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Seed of an nkey: how a trusted backend signs in at NATS itself. Hubs do not ask for one. */
  readonly nkeySeed?: Uint8Array | undefined;
  /**
   * This is that project's own backend. To a hub it shows its `token`, as everybody does. NATS it is not trusted with: it
   * reaches a hub through NATS, and may do there what the project may.
   */
  readonly project_id?: string | undefined;
  /** Who this client says it is. Only a hub in development mode believes it; NATS itself does not ask. */
  readonly identity?: Hello["identity"];
  /** A write that is not answered within this time counts as perhaps stored, in milliseconds. @default 15_000; 10_000 to NATS itself */
  readonly ackTimeoutMs?: number | undefined;
  /** How long one attempt to connect may take, in milliseconds. @default 10_000; 30_000 to NATS itself */
  readonly connectTimeoutMs?: number | undefined;
  /** What the client takes from the machine it runs on. @default the browser or process it runs in */
  readonly environment?: Environment | undefined;
}
