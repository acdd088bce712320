export { mergeJson } from "./merge-json.ts";
export { mergeSet } from "./merge-set.ts";
export { mergeText } from "./merge-text.ts";
export { mergeCounter, mergeMax, mergeMin } from "./scalar-merges.ts";
