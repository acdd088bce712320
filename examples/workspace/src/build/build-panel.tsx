import type { ReactElement } from "react";
import { BUILD_STEPS, type Build, type Person } from "../model/stores.ts";
import { hue } from "../people/looks.ts";
import type { BuildView } from "./build-actions.ts";
import { buildLog } from "./build-log.ts";
import { useBuild } from "./use-build.ts";

export interface BuildPanelProps {
  readonly me: Person;
  readonly projectId: string;
}

export function BuildPanel({ me, projectId }: BuildPanelProps): ReactElement {
  const { view, actions } = useBuild(projectId, me);
  const { build, isReady, isLost, error } = view;
  const isRunning = build?.state === "running" && !isLost;
  return (
    <section className="panel build" aria-label="Build" data-anchor="build">
      <h2>Build</h2>
      {error && <p className="problem">{error.message}</p>}
      <p className="build-line" aria-live="polite">
        <Summary view={view} />
      </p>
      <Progress build={build} isLost={isLost} />
      <div className="buttons">
        <button
          type="button"
          className="primary"
          disabled={!isReady || isRunning}
          onClick={() => void actions?.start()}
        >
          {isLost ? "Run it again" : "Run the build"}
        </button>
        <button type="button" disabled={!isRunning} onClick={() => actions?.stop()}>
          Stop
        </button>
      </div>
      {build && <pre className="log">{buildLog(build.progress).join("\n")}</pre>}
    </section>
  );
}

function Summary({ view: { isReady, build, isMine, isLost } }: { readonly view: BuildView }) {
  if (!isReady) return "Loading…";
  if (build === undefined) return "Nobody has built this yet.";
  const who = (
    <b className="person" style={hue(build.runner)}>
      {isMine ? "You" : build.runner.name}
    </b>
  );
  const seconds = `${(build.elapsedMs / 1000).toFixed(1)} s`;
  switch (build.state) {
    case "running":
      return isLost ? (
        <>{who} started it and is gone.</>
      ) : (
        <>
          {who} {isMine ? "are" : "is"} building.
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
  readonly isLost: boolean;
}

function Progress({ build, isLost }: ProgressProps): ReactElement {
  const progress = build?.progress ?? 0;
  const reached = progress * BUILD_STEPS.length;
  const look = isLost ? "lost" : (build?.state ?? "idle");
  return (
    <div className={`progress ${look}`} style={build && hue(build.runner)}>
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
