/** What happens at the end of a page's life. The page may come back from `pagehide`. */
interface PageEvents {
  pagehide: PageTransitionEvent;
  beforeunload: BeforeUnloadEvent;
}

/** Calls `listener` on an event of the page. Returns the function that stops it. Outside of a page nothing happens. */
export function onPageEvent<Name extends keyof PageEvents>(
  name: Name,
  listener: (event: PageEvents[Name]) => void,
): () => void {
  if (typeof document !== "object") return () => {};
  const stop = new AbortController();
  window.addEventListener(name, listener, { signal: stop.signal });
  return () => stop.abort();
}
