import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";

/** An external store in the shape of `useSyncExternalStore`; it gives the same source until something has changed. */
export interface Selectable<Source> {
  readonly initial: Source;
  read(): Source;
  subscribe(onChange: () => void): () => void;
}

/**
 * What `select` makes of the source. Renders again only when that is no longer `equal` to what is shown; both functions
 * may be inline.
 */
export function useSelection<Source, Selected>(
  { initial, read, subscribe }: Selectable<Source>,
  select: (source: Source) => Selected,
  equal: (before: Selected, now: Selected) => boolean,
): Selected {
  const shown = useRef<{ readonly selected: Selected } | undefined>(undefined);
  const [now, onServer] = useMemo(() => {
    let memo: { readonly source: Source; readonly selected: Selected } | undefined;
    const selectFrom = (source: Source): Selected => {
      if (memo?.source === source) return memo.selected;
      const before = memo ?? shown.current;
      const next = select(source);
      const selected = before && equal(before.selected, next) ? before.selected : next;
      memo = { source, selected };
      return selected;
    };
    return [() => selectFrom(read()), () => selectFrom(initial)];
  }, [initial, read, select, equal]);
  const selected = useSyncExternalStore(subscribe, now, onServer);
  useEffect(() => {
    shown.current = { selected };
  }, [selected]);
  return selected;
}
