import type { SessionStatus } from "@conat/conat";
import { useConnectionStatus } from "@conat/frontend-hooks";
import type { ReactElement } from "react";

interface Light {
  readonly colour: "green" | "amber" | "red";
  readonly text: string;
}

export function ConnectionLight(): ReactElement {
  const status = useConnectionStatus();
  const { colour, text } = lightOf(status);
  return (
    <span className={`light ${colour}`} role="status" title={status.error?.message}>
      {text}
    </span>
  );
}

function lightOf({ state, attempt }: SessionStatus): Light {
  switch (state) {
    case "ready":
      return { colour: "green", text: "Live" };
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
