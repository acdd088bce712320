import {
  ConatError,
  type EntryHeaders,
  MAX_HEADERS_BYTES,
  MAX_TTL_MS,
  type Mutation,
  parseName,
  toConatError,
} from "@conat/conat/internal";

/** Names that say what a message is to NATS and to conat. An application's own travel beside those, in one header. */
const RESERVED_HEADER = /^(?:nats|conat)-/i;

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
    if (RESERVED_HEADER.test(name)) {
      return new ConatError(
        "bad-request",
        `a header cannot be called ${JSON.stringify(name)}: names with Nats- and Conat- are taken`,
      );
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
