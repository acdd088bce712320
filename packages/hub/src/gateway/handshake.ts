import {
  ConatError,
  hello,
  OLDEST_PROTOCOL_VERSION,
  PROTOCOL_VERSION,
  toConatError,
} from "@conat/conat/internal";
import * as v from "valibot";
import type { HandshakeRequest } from "../auth/authenticator.ts";
import type { Doorkeeper } from "../auth/doorkeeper.ts";
import type { Grant } from "../auth/grant.ts";

export interface Handshake {
  readonly grant: Grant;
  /** Instance id of the client. */
  readonly client: string;
  /** What it was made of but for the token, to authenticate the client again when it shows a new one. */
  readonly request: HandshakeRequest;
}

export interface RawHandshake {
  readonly auth: unknown;
  readonly headers: HandshakeRequest["headers"];
  readonly address: string;
}

const versionOnly = v.object({ v: v.number() });

/**
 * Who is connecting, once it is clear that both sides speak the same protocol.
 * @throws ConatError `protocol-version`, `bad-request`, `timeout`, or what the authenticator throws.
 */
export async function shakeHands(
  raw: RawHandshake,
  doorkeeper: Doorkeeper,
  timeoutMs: number,
): Promise<Handshake> {
  checkVersion(raw.auth);
  const parsed = v.safeParse(hello, raw.auth);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    throw new ConatError("bad-request", `the handshake is not as it should be: ${issue.message}`);
  }
  const request = { hello: parsed.output, headers: raw.headers, address: raw.address };
  const grant = await withDeadline(doorkeeper.admit(request), timeoutMs);
  return { grant, client: parsed.output.client, request: toLasting(request) };
}

/** Headers that make a WebSocket of a request and say nothing of who sends it. */
const UPGRADE_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "upgrade",
  "sec-websocket-extensions",
  "sec-websocket-key",
  "sec-websocket-version",
]);

/** What is kept as long as the client is there: not its token, which the next one replaces, and no more than need be. */
function toLasting({ hello: said, headers, address }: HandshakeRequest): HandshakeRequest {
  const { v: version, client, identity } = said;
  const lasting = Object.entries(headers).filter(([name]) => !UPGRADE_HEADERS.has(name));
  return { hello: { v: version, client, identity }, headers: Object.fromEntries(lasting), address };
}

function checkVersion(auth: unknown): void {
  if (!v.is(versionOnly, auth)) {
    throw new ConatError("bad-request", "the handshake does not name a protocol version");
  }
  if (auth.v >= OLDEST_PROTOCOL_VERSION && auth.v <= PROTOCOL_VERSION) return;
  const spoken =
    OLDEST_PROTOCOL_VERSION === PROTOCOL_VERSION
      ? `version ${PROTOCOL_VERSION}`
      : `versions ${OLDEST_PROTOCOL_VERSION} to ${PROTOCOL_VERSION}`;
  const older = auth.v < OLDEST_PROTOCOL_VERSION ? "client" : "hub";
  throw new ConatError(
    "protocol-version",
    `this hub speaks ${spoken} of the protocol and the client version ${auth.v}: update the ${older}`,
  );
}

export async function withDeadline<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new ConatError("timeout", `authentication took longer than ${timeoutMs} ms`));
    }, timeoutMs);
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a client may know of an error: what was not named on purpose stays here. */
export function toShownError(thrown: unknown): ConatError {
  return thrown instanceof ConatError
    ? thrown
    : new ConatError(toConatError(thrown).kind, "authentication failed");
}

/** The error in the form in which Socket.IO carries it to the client. */
export function toRefusal(thrown: unknown): Error & { data: { kind: string; message: string } } {
  const { kind, message } = toShownError(thrown);
  return Object.assign(new Error(message), { data: { kind, message } });
}
