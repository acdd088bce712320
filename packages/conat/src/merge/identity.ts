import { encodeValue } from "../protocol/value-codec.ts";

/** One string per value: equal for values with equal encodings. */
export function identityOf(value: unknown): string {
  if (value === undefined) return "undefined";
  let identity = "";
  for (const byte of encodeValue(value)) identity += String.fromCharCode(byte);
  return identity;
}
