import { toConatError } from "../protocol/conat-error.ts";
import { JetstreamSession } from "./jetstream-session.ts";
import { type JetstreamOptions, resolveOptions } from "./options.ts";

/**
 * A session straight on NATS, connected and with its buckets open; they are created where they are missing.
 * @throws ConatError `bad-address`, `bad-options`; `unauthenticated`, `forbidden`; `server-too-old`; `timeout` when there
 * is no server or it has no JetStream within `connectTimeoutMs`; `closed` when `signal` aborts meanwhile.
 */
export async function openJetstream(options: JetstreamOptions): Promise<JetstreamSession> {
  const { signal } = options;
  const session = startJetstream(options);
  const giveUp = (): void => void session.close();
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted) giveUp();
  try {
    await session.ready();
    return session;
  } catch (error) {
    await session.close();
    throw toConatError(error);
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

/**
 * The same without waiting: the session connects in the background, for as long as it takes, and its status tells.
 * @throws ConatError `bad-address`, `bad-options`
 */
export function startJetstream(options: JetstreamOptions): JetstreamSession {
  return new JetstreamSession(resolveOptions(options));
}
