import {
  ConatError,
  type EntryHeaders,
  MAX_HEADERS_BYTES,
  type Mutation,
  parseName,
  toConatError,
} from "@conat/conat/internal";

/** A century. nats-server counts lifetimes in nanoseconds and overflows after three of them. */
const MAX_TTL_MS = 3_155_760_000_000;

/** Printable ASCII without the colon that ends a header's name. */
const HEADER_NAME = /^[!-9;-~]+$/;
/** Names by which servers and clients of NATS steer what a message does. */
const RESERVED_HEADER = /^(?:nats|conat|kv)-/i;
const CONTROL_CHARACTER = /\p{Cc}/u;

/** Why a mutation cannot be stored, whoever sent it; `undefined` when nothing is wrong with it. */
export function refuseMutation(mutation: Mutation, maxValueBytes: number): ConatError | undefined {
  try {
    parseName("a key", mutation.key);
  } catch (error) {
    return toConatError(error);
  }
  const size = mutation.value?.length ?? 0;
  if (size > maxValueBytes) {
    return new ConatError(
      "value-too-large",
      `the value is ${size} bytes, and ${maxValueBytes} is the most: store less under one key`,
    );
  }
  if (mutation.ttlMs > MAX_TTL_MS) {
    return new ConatError(
      "bad-request",
      `ttlMs is ${mutation.ttlMs}, and the most is ${MAX_TTL_MS}`,
    );
  }
  return mutation.headers && refuseHeaders(mutation.headers);
}

function refuseHeaders(headers: EntryHeaders): ConatError | undefined {
  let size = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (!HEADER_NAME.test(name) || RESERVED_HEADER.test(name)) {
      return new ConatError("bad-request", `${JSON.stringify(name)} cannot name a header`);
    }
    if (CONTROL_CHARACTER.test(value)) {
      return new ConatError("bad-request", `header ${name} has a control character in its value`);
    }
    size += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (size > MAX_HEADERS_BYTES) {
    return new ConatError(
      "value-too-large",
      `the headers are ${size} bytes, and ${MAX_HEADERS_BYTES} is the most`,
    );
  }
  return undefined;
}
