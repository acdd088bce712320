import { encodeValue } from "../protocol/value-codec.ts";

/** Gives each byte a character of its own. */
const oneByOne = new TextDecoder("windows-1252");

/** One string per value: equal for values with equal encodings. */
export function identityOf(value: unknown): string {
  return value === undefined ? "undefined" : oneByOne.decode(encodeValue(value));
}
