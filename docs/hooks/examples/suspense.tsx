import { ConatProvider, useSuspenseDKVKey } from "@conat/frontend-hooks";
import { type ReactElement, Suspense } from "react";

function Title({ project_id }: { readonly project_id: string }): ReactElement {
  const [title] = useSuspenseDKVKey<string>({ project_id, name: "page" }, "title", "Untitled");
  return <h1>{title}</h1>;
}

export function Page({ project_id }: { readonly project_id: string }): ReactElement {
  return (
    <ConatProvider address="https://hub.example.com">
      <Suspense fallback={<h1>…</h1>}>
        <Title project_id={project_id} />
      </Suspense>
    </ConatProvider>
  );
}
