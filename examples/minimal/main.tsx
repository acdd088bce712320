import { ConatProvider, useDKVKey } from "@conat/frontend-hooks";
import type { ReactElement } from "react";
import { createRoot } from "react-dom/client";

function Counter(): ReactElement {
  const [count, setCount] = useDKVKey<number>({ project_id: "demo", name: "minimal" }, "count", 0);
  return (
    <button type="button" onClick={() => setCount((n) => n + 1)}>
      Everybody together clicked {count} times
    </button>
  );
}

createRoot(document.body.appendChild(document.createElement("main"))).render(
  <ConatProvider identity={{ account_id: "somebody", projects: ["demo"] }}>
    <Counter />
  </ConatProvider>,
);
