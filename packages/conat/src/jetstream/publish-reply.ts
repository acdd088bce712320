import * as v from "valibot";
import type { ErrorKind } from "../protocol/conat-error.ts";
import { readHeaders } from "./message-headers.ts";
import { kindOfApiError } from "./nats-error.ts";
import { latin1, type RawMessage } from "./raw-message.ts";

/** What JetStream answered to a publish. */
export type PublishReply =
  | { readonly type: "stored"; readonly seq: number; readonly duplicate: boolean }
  | { readonly type: "refused"; readonly kind: ErrorKind; readonly reason: string };

/** The usual answer, which is not worth parsing as JSON. */
const STORED = /^\{"stream":"[^"]*", ?"seq":(\d+)\}$/;

const publishAck = v.object({
  seq: v.optional(v.number(), 0),
  duplicate: v.optional(v.boolean(), false),
  error: v.optional(
    v.object({
      code: v.number(),
      err_code: v.optional(v.number(), 0),
      description: v.optional(v.string(), ""),
    }),
  ),
});

const NO_RESPONDERS = 503;

export function readPublishReply(message: RawMessage): PublishReply {
  if (message.payloadAt > message.start && readHeaders(message).status === NO_RESPONDERS) {
    return { type: "refused", kind: "unavailable", reason: "no server keeps the bucket now" };
  }
  const text = latin1(message.bytes, message.payloadAt, message.end);
  const seq = STORED.exec(text)?.[1];
  if (seq !== undefined) return { type: "stored", seq: Number(seq), duplicate: false };
  const ack = v.safeParse(publishAck, parseJson(text));
  if (!ack.success || (ack.output.error === undefined && ack.output.seq === 0)) {
    return { type: "refused", kind: "ambiguous", reason: "the answer is not understood" };
  }
  const { error, duplicate } = ack.output;
  if (error === undefined) return { type: "stored", seq: ack.output.seq, duplicate };
  const kind = kindOfApiError(error.code, error.err_code, error.description);
  return { type: "refused", kind, reason: `${error.description} (${error.err_code})` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
