import { useSaved } from "@conat/frontend-hooks";
import type { ReactElement } from "react";

export function SaveLight({ project_id }: { readonly project_id: string }): ReactElement {
  const { state, durability, pending, failed } = useSaved({ project_id, name: "todos" });
  if (failed > 0) return <p role="alert">{failed} changes could not be stored</p>;
  if (state !== "saved") return <p>{state === "saving" ? "Saving…" : `${pending} unsaved`}</p>;
  return <p>{durability === "memory" ? "Shared, until the server restarts" : "Saved"}</p>;
}
