import type { MergeBytes } from "./dkv-effects.ts";
import type { Merge } from "./dkv-options.ts";
import { decodeChecked } from "./visible-values.ts";
import type { WriteRules } from "./write-rules.ts";

/**
 * The application's merge of values as a merge of their encodings. What is no valid value is `undefined` to it, as to
 * `get`; what `set` would refuse is no result.
 */
export function createMergeBytes(merge: Merge<unknown>, rules: WriteRules): MergeBytes {
  const decode = (bytes: Uint8Array | undefined): unknown =>
    bytes && decodeChecked(rules.check, bytes).value;
  return (key, prev, local, remote) => {
    const result = merge({ key, prev: decode(prev), local: decode(local), remote: decode(remote) });
    return result === undefined ? undefined : rules.encode(key, result);
  };
}
