import { decodeValue, encodeValue } from "../protocol/value-codec.ts";
import type { MergeBytes } from "./dkv-effects.ts";
import type { Merge } from "./dkv-options.ts";

/** The application's merge of values as a merge of their encodings. */
export function createMergeBytes(merge: Merge<unknown>): MergeBytes {
  const decode = (bytes: Uint8Array | undefined): unknown => bytes && decodeValue(bytes);
  return (key, prev, local, remote) => {
    const result = merge({ key, prev: decode(prev), local: decode(local), remote: decode(remote) });
    return result === undefined ? undefined : encodeValue(result);
  };
}
