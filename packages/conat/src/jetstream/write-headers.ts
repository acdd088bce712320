import type { StoreRef } from "../protocol/scope.ts";
import { encodeTrueName, isHashToken, keyToken, storeToken } from "../protocol/subjects.ts";
import type { Mutation } from "../session/session.ts";
import { formatHeaders, formatTtl } from "./entry-codec.ts";
import { HEADER } from "./message-headers.ts";

/** A name this short is never hashed: each of its UTF-16 units is at most nine characters of a token. */
const NEVER_HASHED_UNITS = 111;

/**
 * The headers with which a mutation is published, in ASCII.
 * @param subject the key's subject.
 * @param markerTtlMs how long the marker of a removal is to be kept.
 */
export function writeHeaders(
  ref: StoreRef,
  mutation: Mutation,
  subject: string,
  markerTtlMs: number,
): string {
  let text = "NATS/1.0\r\n";
  if (mutation.origin !== "") {
    text += line(HEADER.messageId, `${mutation.origin}.${mutation.write}`);
  }
  if (mutation.expectedSeq !== undefined) text += line(HEADER.expectedSeq, mutation.expectedSeq);
  if (mutation.value === undefined) {
    // A PURGE counts as a delete marker and vanishes silently when due; a DEL would leave a second marker then.
    text += line(HEADER.operation, "PURGE");
    text += line(HEADER.rollup, "sub");
    text += line(HEADER.ttl, formatTtl(markerTtlMs));
  } else if (mutation.ttlMs > 0) {
    text += line(HEADER.ttl, formatTtl(mutation.ttlMs));
  }
  if (mutation.headers !== undefined) {
    text += line(HEADER.application, formatHeaders(mutation.headers));
  }
  if (mutation.key.length > NEVER_HASHED_UNITS && isHashToken(keyToken(subject))) {
    text += line(HEADER.key, encodeTrueName(mutation.key));
  }
  if (ref.name.length > NEVER_HASHED_UNITS && isHashToken(storeToken(subject) ?? "")) {
    text += line(HEADER.store, encodeTrueName(ref.name));
  }
  return `${text}\r\n`;
}

function line(name: string, value: string | number): string {
  return `${name}: ${value}\r\n`;
}
