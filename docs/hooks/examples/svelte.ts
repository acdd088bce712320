import { connect, dkv } from "@conat/conat";
import { immutableView } from "@conat/conat/immutable";
import { readable, writable } from "@conat/conat/svelte";

const client = connect("https://hub.example.com");
const store = await dkv<string>({ client, project_id: "demo", name: "notes" });

/** In a component: `{#each [...$notes] as [id, text]}`. */
export const notes = readable(store);
/** The same for a large store that changes often. */
export const manyNotes = readable(immutableView(store));
/** In a component: `<input bind:value={$title} />`. */
export const title = writable(store, "title");
