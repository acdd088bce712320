import { useConat } from "@conat/frontend-hooks";
import { type ReactElement, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { BuildActions, type BuildView } from "./build-actions.ts";
import { hue } from "./hue.ts";
import { Panel } from "./panel.tsx";
import { BUILD_STEPS, type Build, type Person } from "./stores.ts";

export interface BuildPanelProps {
  readonly me: Person;
  readonly project: string;
}

const NOT_OPEN: BuildView = {
  ready: false,
  build: undefined,
  mine: false,
  stalled: false,
  error: undefined,
};

export function BuildPanel(props: BuildPanelProps): ReactElement {
  const actions = useBuildActions(props);
  const view = useSyncExternalStore(
    actions?.subscribe ?? subscribeToNothing,
    actions?.view ?? (() => NOT_OPEN),
  );
  const { build, ready, stalled, error } = view;
  const running = build?.state === "running";
  return (
    <Panel
      title="Build"
      code={`dkv({ project_id, name: "build", ephemeral: true })`}
      note="in the server's memory"
      anchor="build"
    >
      {error && <p className="problem">{error.message}</p>}
      <p className="build-line" aria-live="polite">
        <Summary view={view} />
      </p>
      <Progress build={build} stalled={stalled} />
      <div className="buttons">
        <button
          type="button"
          className="primary"
          disabled={!ready || (running && !stalled)}
          onClick={() => void actions?.start()}
        >
          {running && stalled ? "Take over" : "Run the build"}
        </button>
        <button type="button" disabled={!running || stalled} onClick={() => actions?.stop()}>
          Stop
        </button>
      </div>
    </Panel>
  );
}

/** One `BuildActions` for as long as the panel is there. */
function useBuildActions({ me, project }: BuildPanelProps): BuildActions | undefined {
  const client = useConat();
  const person = useRef(me);
  const [actions, setActions] = useState<BuildActions>();
  useEffect(() => {
    person.current = me;
  });
  useEffect(() => {
    if (client === undefined) return;
    const opened = new BuildActions({
      client,
      project_id: project,
      person: () => person.current,
    });
    void opened.init();
    setActions(opened);
    const leave = (): void => opened.abandon();
    addEventListener("pagehide", leave);
    return () => {
      removeEventListener("pagehide", leave);
      opened.close();
      setActions(undefined);
    };
  }, [client, project]);
  return actions;
}

function subscribeToNothing(): () => void {
  return () => {};
}

function Summary({ view: { ready, build, mine, stalled } }: { readonly view: BuildView }) {
  if (!ready) return "Opening the store…";
  if (build === undefined) return "Nobody is running the build.";
  const who = (
    <b className="person" style={hue(build.runner)}>
      {mine ? "You" : build.runner.name}
    </b>
  );
  const seconds = `${(build.elapsedMs / 1000).toFixed(1)} s`;
  switch (build.state) {
    case "running":
      if (stalled) return <>{who} started it and went silent.</>;
      return (
        <>
          {who} {mine ? "are" : "is"} running the build.
        </>
      );
    case "done":
      return (
        <>
          Done in {seconds}, by {who}.
        </>
      );
    case "stopped":
      return (
        <>
          Stopped after {seconds} by {build.stoppedBy}.
        </>
      );
  }
}

interface ProgressProps {
  readonly build: Build | undefined;
  readonly stalled: boolean;
}

function Progress({ build, stalled }: ProgressProps): ReactElement {
  const progress = build?.progress ?? 0;
  const reached = progress * BUILD_STEPS.length;
  const look = stalled ? "stalled" : (build?.state ?? "idle");
  return (
    <div className={`build ${look}`} style={build && hue(build.runner)}>
      <div
        className="bar"
        role="progressbar"
        aria-label="Build"
        aria-valuenow={Math.round(progress * 100)}
        aria-valuemin={0}
        aria-valuemax={100}
      >
        <div style={{ transform: `translateX(${(progress - 1) * 100}%)` }} />
      </div>
      <ol className="steps">
        {BUILD_STEPS.map((step, index) => (
          <li key={step} className={reached >= index + 1 ? "past" : reached > index ? "now" : ""}>
            {step}
          </li>
        ))}
      </ol>
    </div>
  );
}
