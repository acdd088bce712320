import type { ConatError } from "@conat/conat/internal";
import type { BoundEntries } from "@conat/conat/jetstream";
import type { Tally } from "../observability/tally.ts";
import type { ScopedSession } from "../scope/scoped-session.ts";
import type { GatewayLimits } from "./limits.ts";
import type { Outbox } from "./outbox.ts";
import type { Quota } from "./quotas.ts";
import type { StoreFanout } from "./store-fanout.ts";
import type { TopicFanout } from "./topic-fanout.ts";

/** What the parts of one connection share. */
export interface ConnectionContext {
  readonly session: ScopedSession;
  /** What the client sets until it disconnects. */
  readonly bound: BoundEntries;
  readonly outbox: Outbox;
  readonly limits: GatewayLimits;
  readonly tally: Tally;
  readonly quota: Quota;
  readonly stores: StoreFanout;
  readonly topics: TopicFanout;
  /** Counts the refusal and tells the client about it. */
  refuse(error: ConatError, tell: (error: ConatError) => void): void;
}
