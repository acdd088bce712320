export { Map as ImmutableMap } from "immutable";
export { type ImmutableView, immutableView } from "./immutable-view.ts";
