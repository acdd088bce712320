import { connect } from "@conat/conat";
import type { HistoryEvent } from "./history.ts";
import { PROJECT, startWorkload } from "./workload.ts";

/** A client in a page. Its log goes to the process that opened the page, as text, some lines at a time. */
const parameters = new URLSearchParams(location.search);
const name = parameters.get("name") ?? "";
const lines: string[] = [];
const tell = (event: HistoryEvent): void => {
  if (lines.push(JSON.stringify(event)) === 1) setTimeout(flush);
};
const flush = (): void => {
  const text = lines.splice(0).map((line) => `${line}\n`);
  Reflect.apply(Reflect.get(window, "chaosLog"), window, [text.join("")]);
};
window.addEventListener("unhandledrejection", ({ reason }) =>
  tell({ type: "flaw", what: `unhandled rejection: ${String(reason)}` }),
);
Reflect.set(
  window,
  "workload",
  await startWorkload({
    name,
    seed: Number(parameters.get("seed")),
    pauseMs: Number(parameters.get("pauseMs")),
    client: connect({
      address: parameters.get("address") ?? "",
      identity: { account_id: name, projects: [PROJECT] },
    }),
    log: tell,
  }),
);
