import { type Client, dkv } from "@conat/conat";
import { ConatProvider, type StoreSnapshot, useDKVKey } from "@conat/frontend-hooks";
import type { ReactElement } from "react";

const page = { project_id: "demo", name: "page" };

/** On the server, with a trusted client: what the page needs, to be sent along with it as JSON. */
export async function takeSnapshots(client: Client): Promise<StoreSnapshot[]> {
  const store = await dkv<string>({ ...page, client });
  try {
    return [{ ...page, values: store.get() }];
  } finally {
    await store.close();
  }
}

function Title(): ReactElement {
  const [title] = useDKVKey<string>(page, "title", "Untitled");
  return <h1>{title}</h1>;
}

/** On the server and in the browser, with the same snapshots. */
export function App({ snapshots }: { readonly snapshots: StoreSnapshot[] }): ReactElement {
  return (
    <ConatProvider address="https://hub.example.com" snapshots={snapshots}>
      <Title />
    </ConatProvider>
  );
}
