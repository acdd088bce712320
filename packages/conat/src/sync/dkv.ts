export { DKV, type SetOptions, type WriteHandle } from "../dkv/dkv.ts";
export type {
  DkvChange,
  DkvConflict,
  DkvEvents,
  DkvInvalid,
  DkvReject,
} from "../dkv/dkv-events.ts";
export type { DkvOptions, Merge, MergeArguments } from "../dkv/dkv-options.ts";
export { dkv } from "../dkv/open-dkv.ts";
