import {
  ConatError,
  decodeTunnelUser,
  PROTOCOL_VERSION,
  toConatError,
  tunnelSubjects,
} from "@conat/conat/internal";
import * as v from "valibot";
import type { HandshakeRequest } from "../auth/authenticator.ts";
import type { Grant } from "../auth/grant.ts";
import { BACKENDS_ACCOUNT } from "../nats-server/index.ts";
import type { NatsIssuer } from "./nats-issuer.ts";

/** Where a NATS server asks who somebody is: NATS ADR-26. */
export const CALLOUT_SUBJECT = "$SYS.REQ.USER.AUTH";

const requestSchema = v.object({
  nats: v.object({
    server_id: v.object({ id: v.string() }),
    user_nkey: v.string(),
    client_info: v.object({ host: v.optional(v.string(), "unknown") }),
    connect_opts: v.object({ user: v.optional(v.string(), ""), pass: v.optional(v.string()) }),
  }),
});

/**
 * The answer to a NATS server that asks about a client: what it may publish to and listen to, which is its own way to a
 * hub and nothing else, or that it may not come in. Nobody but servers can ask: in the account that is asked, only hubs
 * may publish elsewhere.
 */
export async function answerCallout(
  request: string,
  issuer: NatsIssuer,
  admit: (request: HandshakeRequest) => Promise<Grant>,
): Promise<string | undefined> {
  const asked = parseRequest(request);
  if (asked === undefined) return undefined;
  const { server_id, user_nkey } = asked;
  const respond = (answer: { jwt: string } | { error: string }): string =>
    issuer.sign({
      sub: user_nkey,
      aud: server_id.id,
      nats: { ...answer, type: "authorization_response", version: 2 },
    });
  try {
    const permissions = await permit(asked, admit);
    return respond({
      jwt: issuer.sign({
        sub: user_nkey,
        aud: BACKENDS_ACCOUNT,
        nats: { ...permissions, type: "user", version: 2 },
      }),
    });
  } catch (error) {
    return respond({ error: toConatError(error).message });
  }
}

type Asked = v.InferOutput<typeof requestSchema>["nats"];

function parseRequest(request: string): Asked | undefined {
  const [, body = ""] = request.split(".");
  try {
    return v.parse(requestSchema, JSON.parse(Buffer.from(body, "base64url").toString())).nats;
  } catch {
    return undefined;
  }
}

async function permit(
  { client_info, connect_opts: { user, pass } }: Asked,
  admit: (request: HandshakeRequest) => Promise<Grant>,
): Promise<object> {
  const claimed = decodeTunnelUser(user);
  if (claimed === undefined) {
    throw new ConatError("unauthenticated", "only backends of projects come in this way");
  }
  const { project_id, connection } = claimed;
  const hello = {
    v: PROTOCOL_VERSION,
    client: connection,
    token: pass || undefined,
    identity: { project_id },
  };
  const { identity } = await admit({ hello, headers: {}, address: client_info.host });
  if (identity.kind !== "project" || identity.project_id !== project_id) {
    throw new ConatError("forbidden", `the token is not one of project ${project_id}`);
  }
  const subjects = tunnelSubjects(project_id, connection);
  // Without an end: what the token is still good for is decided inside the tunnel, where it can be renewed.
  return {
    pub: { allow: [subjects.open, subjects.up("*")] },
    sub: { allow: [subjects.down] },
    subs: -1,
    payload: -1,
    data: -1,
  };
}
