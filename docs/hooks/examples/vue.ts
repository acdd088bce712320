import { connect } from "@conat/conat";
import { useDKV, useDKVKey } from "@conat/conat/vue";
import { defineComponent, h } from "vue";

const client = connect("https://hub.example.com");

export const Notes = defineComponent(() => {
  const options = { client, project_id: "demo", name: "notes" };
  const { values, status } = useDKV<string>(options);
  const title = useDKVKey<string>(options, "title", "Untitled");
  const rename = (event: Event): void => {
    title.value = (event.target as HTMLInputElement).value;
  };
  return () => [
    h("input", { value: title.value, onInput: rename }),
    h("p", `${status.value}, ${values.value.size} notes`),
  ];
});
