import type { SessionStatus } from "@conat/conat";
import { useConnectionStatus } from "@conat/frontend-hooks";
import type { ReactElement } from "react";
import { useWrites } from "./use-watched.ts";

interface Light {
  readonly colour: "green" | "amber" | "red";
  readonly text: string;
}

/** Whether the page is connected, and whether everything is stored. */
export function ConnectionLight(): ReactElement {
  const status = useConnectionStatus();
  const { pending } = useWrites();
  const { colour, text } = lightOf(status, pending);
  return (
    <span className={`light ${colour}`} role="status" title={status.error?.message}>
      {text}
    </span>
  );
}

function lightOf({ state, attempt }: SessionStatus, pending: number): Light {
  switch (state) {
    case "ready":
      return pending > 0
        ? { colour: "amber", text: "Saving" }
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
