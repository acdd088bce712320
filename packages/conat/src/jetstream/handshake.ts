import type { NatsConnection } from "@nats-io/nats-core";
import * as v from "valibot";
import { ConatError } from "../protocol/conat-error.ts";
import { apiSubject } from "../protocol/subjects.ts";
import { type Buckets, type OpenedBuckets, openBuckets } from "./buckets.ts";
import type { Elections } from "./elections.ts";
import { apiRequest } from "./js-api.ts";
import { fromNatsError } from "./nats-error.ts";
import type { ResolvedOptions } from "./options.ts";
import { checkServer } from "./server-gate.ts";

const accountInfo = v.object({
  api: v.optional(v.object({ level: v.optional(v.number(), 0) }), { level: 0 }),
});

/**
 * What is done on each connection before anything else: check that the server can keep our promises, and open the
 * buckets. Memory buckets vanish with a stand-alone server, so that they may have to be made again.
 * @throws ConatError `server-too-old`, `bad-options`; ApiError and the client library's errors, such as while JetStream
 * is starting.
 */
export async function shakeHands(
  connection: NatsConnection,
  options: ResolvedOptions,
  previous: Buckets | undefined,
  elections: Elections,
): Promise<OpenedBuckets> {
  const { version = "unknown", api_lvl } = connection.info ?? {};
  // Who leads the cluster was asked once. While it has no leader nobody answers, and buckets that have one could be used.
  const level = (previous && api_lvl) ?? (await apiLevel(connection, options));
  checkServer(version, level);
  return openBuckets(connection, options, previous, elections);
}

async function apiLevel(connection: NatsConnection, options: ResolvedOptions): Promise<number> {
  const subject = apiSubject("INFO");
  const timeoutMs = options.requestTimeoutMs;
  try {
    const { api } = await apiRequest(connection, subject, undefined, accountInfo, timeoutMs);
    return api.level;
  } catch (cause) {
    const { kind, message } = fromNatsError(cause, "ask for JetStream");
    if (kind !== "unavailable") throw cause;
    throw new ConatError(
      kind,
      `JetStream does not answer at ${options.addresses.shown}: it is still starting, or not enabled (${message})`,
      { cause },
    );
  }
}
