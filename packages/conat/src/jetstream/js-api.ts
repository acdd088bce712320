import type { NatsConnection } from "@nats-io/nats-core";
import * as v from "valibot";
import { ConatError } from "../protocol/conat-error.ts";
import { ApiError } from "./nats-error.ts";

const NO_PAYLOAD = new Uint8Array(0);

const anyReply = v.object({
  error: v.optional(
    v.object({
      code: v.number(),
      err_code: v.optional(v.number(), 0),
      description: v.optional(v.string(), ""),
    }),
  ),
});

/**
 * One request to the JetStream API and its decoded answer.
 * @throws ApiError when JetStream says no; the client library's errors when nobody answers.
 */
export async function apiRequest<Schema extends v.GenericSchema>(
  connection: NatsConnection,
  subject: string,
  payload: unknown,
  schema: Schema,
  timeoutMs: number,
): Promise<v.InferOutput<Schema>> {
  const body = payload === undefined ? NO_PAYLOAD : JSON.stringify(payload);
  const message = await connection.request(subject, body, { timeout: timeoutMs });
  const reply: unknown = JSON.parse(message.string());
  const { error } = decode(subject, anyReply, reply);
  if (error) throw new ApiError(error.code, error.err_code, error.description);
  return decode(subject, schema, reply);
}

function decode<Schema extends v.GenericSchema>(
  subject: string,
  schema: Schema,
  reply: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, reply);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new ConatError(
    "internal",
    `nats-server's answer to ${subject} is not understood: ${issue?.message}`,
  );
}
