import { connect } from "@conat/conat";
import { createDKV, createDKVKey } from "@conat/conat/solid";
import { createMemo } from "solid-js";

const client = connect("https://hub.example.com");

/** To be called in a component: everything is closed with it. */
export function createNotes() {
  const options = { client, project_id: "demo", name: "notes" };
  const { values, status } = createDKV<string>(options);
  const [title, setTitle] = createDKVKey<string>(options, "title", "Untitled");
  const summary = createMemo(() => `${title()}: ${values().size} notes, ${status()}`);
  return { summary, setTitle };
}
