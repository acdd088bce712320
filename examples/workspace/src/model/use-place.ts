import { useCallback, useEffect, useState } from "react";
import { type Place, placeOf, searchOf } from "./identity.ts";

/** What the page shows, kept in its address, so that links, reloads and the back button work. */
export function usePlace(): readonly [Place, (place: Place) => void] {
  const [place, setPlace] = useState(() => placeOf(location.search));
  useEffect(() => {
    const follow = (): void => setPlace(placeOf(location.search));
    addEventListener("popstate", follow);
    return () => removeEventListener("popstate", follow);
  }, []);
  const go = useCallback((next: Place) => {
    history.pushState(null, "", searchOf(next, location.search));
    setPlace(next);
  }, []);
  return [place, go];
}
