import type { ConatError } from "../protocol/conat-error.ts";
import type { ClientEvents } from "../protocol/events.ts";
import type { Environment } from "../transport/environment.ts";
import type { ConnectionRunner } from "./connection-runner.ts";

/** What the parts of a hub session have in common: the way to the hub, and what happens to the connection. */
export interface HubUplink {
  readonly connection: Pick<ConnectionRunner, "connected" | "ended">;
  /** The connection is about to end: nothing is sent any more that asks for an answer. */
  readonly settling: () => boolean;
  readonly environment: Environment;
  /** The server's clock, never ahead of it: in milliseconds since the epoch. */
  readonly safeServerTime: () => number;
  /** So much waits to leave that what may be dropped should wait elsewhere. */
  readonly congested: () => boolean;
  /** Reaches the hub only while connected. */
  send<Name extends keyof ClientEvents>(
    event: Name,
    ...message: Parameters<ClientEvents[Name]>
  ): void;
}

/** One concern of a hub session: feeds, writes, reads or topics. */
export interface HubPart {
  /** The hub has said welcome and knows nothing of what was before. */
  onConnected(): void;
  onDisconnected(error: ConatError): void;
  /** Nothing will follow: everything that waits gets `error`. */
  onEnded(error: ConatError): void;
}
