import { useConat } from "@conat/frontend-hooks";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Person } from "../model/stores.ts";
import { BuildActions, type BuildView } from "./build-actions.ts";

export interface UseBuild {
  readonly view: BuildView;
  /** `undefined` before there is a connection to use. */
  readonly actions: BuildActions | undefined;
}

const NOT_OPEN: BuildView = {
  isReady: false,
  build: undefined,
  isMine: false,
  isLost: false,
  error: undefined,
};

/** One `BuildActions` for as long as the component is there. */
export function useBuild(project_id: string, me: Person): UseBuild {
  const client = useConat();
  const person = useRef(me);
  const [actions, setActions] = useState<BuildActions>();
  useEffect(() => {
    person.current = me;
  });
  useEffect(() => {
    if (client === undefined) return;
    const opened = new BuildActions({ client, project_id, person: () => person.current });
    setActions(opened);
    const leave = (): void => opened.abandon();
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      void opened.close();
      setActions(undefined);
    };
  }, [client, project_id]);
  const view = useSyncExternalStore(
    actions?.subscribe ?? subscribeToNothing,
    actions?.view ?? (() => NOT_OPEN),
  );
  return { view, actions };
}

function subscribeToNothing(): () => void {
  return () => {};
}
