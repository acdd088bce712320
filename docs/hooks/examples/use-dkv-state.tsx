import { useDKVState } from "@conat/frontend-hooks";
import type { ReactElement } from "react";

export function StoreLight({ project_id }: { readonly project_id: string }): ReactElement {
  const { status, error } = useDKVState({ project_id, name: "todos" });
  if (status === "live") return <p>Everybody sees the same.</p>;
  if (status === "closed") return <p role="alert">{error?.message ?? "This list has ended."}</p>;
  return <p>This is what was known last.</p>;
}
