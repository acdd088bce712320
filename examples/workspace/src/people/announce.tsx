import { useDKVKey } from "@conat/frontend-hooks";
import { useEffect } from "react";
import { type Person, PRESENCE_TTL_MS, presenceStore, type View } from "../model/stores.ts";

export interface AnnounceProps {
  readonly me: Person;
  readonly projectId: string;
  readonly view: View;
  readonly windowId: string;
}

/**
 * Tells that this window is here. The entry lives for a while and is renewed: that of a window that dies without a word
 * expires by itself.
 */
export function Announce({ me, projectId, view, windowId }: AnnounceProps): null {
  const [, set] = useDKVKey(presenceStore(projectId), windowId);
  useEffect(() => {
    const tell = (present: boolean): void => {
      try {
        set(present ? { person: me, view } : undefined);
      } catch {
        // A store that has ended shows where the project is shown.
      }
    };
    const leave = (): void => tell(false);
    tell(true);
    const timer = setInterval(() => tell(true), PRESENCE_TTL_MS / 3);
    addEventListener("pagehide", leave);
    return () => {
      clearInterval(timer);
      removeEventListener("pagehide", leave);
    };
  }, [set, me, view]);
  useEffect(
    () => () => {
      try {
        set(undefined);
      } catch {
        // As above.
      }
    },
    [set],
  );
  return null;
}
