import { useMemo } from "react";
import { type StoreOptions, useStoreAccess } from "./store-access.ts";
import { useDKVState } from "./use-dkv-state.ts";
import { useSelection } from "./use-selection.ts";
import { createValuesView, type Values } from "./values-view.ts";

/**
 * What `selector` makes of a whole store, such as a count or a sorted list of ids. Renders again only when that is no
 * longer `equal` to what is shown (`Object.is` unless told otherwise), or the state of the store changes. Options and
 * functions may be inline; the selector is called once for each change and each rendering.
 */
export function useDKVSelector<T, Selected>(
  options: StoreOptions<T>,
  selector: (values: Values<T>) => Selected,
  equal: (before: Selected, now: Selected) => boolean = Object.is,
): Selected {
  const access = useStoreAccess(options);
  const view = useMemo(() => createValuesView(access), [access]);
  useDKVState(options);
  return useSelection(view, selector, equal);
}
