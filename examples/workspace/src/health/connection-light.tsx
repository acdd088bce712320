import type { SessionStatus } from "@conat/conat";
import { useConnectionStatus } from "@conat/frontend-hooks";
import type { ReactElement } from "react";
import { useRejected } from "./use-rejected.ts";
import { useWrites } from "./use-watched.ts";

interface Light {
  readonly colour: "green" | "amber" | "red";
  readonly text: string;
}

/** Whether the page is connected, and whether everything is stored. */
export function ConnectionLight(): ReactElement {
  const status = useConnectionStatus();
  const { pending } = useWrites();
  const { length: rejected } = useRejected();
  const { colour, text } = lightOf(status, pending, rejected);
  return (
    <span className={`light ${colour}`} role="status" title={status.error?.message}>
      {text}
    </span>
  );
}

function lightOf({ state, attempt }: SessionStatus, pending: number, rejected: number): Light {
  switch (state) {
    case "ready":
      if (pending > 0) return { colour: "amber", text: "Saving" };
      return rejected > 0
        ? { colour: "red", text: `${rejected} not saved` }
        : { colour: "green", text: "All saved" };
    case "connecting":
    case "handshaking":
    case "waiting":
      return { colour: "amber", text: attempt > 1 ? "Reconnecting" : "Connecting" };
    case "draining":
      return { colour: "amber", text: "Moving" };
    case "refused":
      return { colour: "red", text: "Refused" };
    case "closed":
      return { colour: "red", text: "Closed" };
  }
}
