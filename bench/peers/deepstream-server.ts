import { pickFreePort } from "@conat/hub/nats-server";
import { Deepstream } from "@deepstream/server";
import { serve } from "../src/framework/serve.ts";

/** The number that stands for "say nothing". */
const LOG_OFF = 100;
const PATH = "/deepstream";

let server: Deepstream | undefined;

/** deepstream with its defaults, on Node's own HTTP server: no storage, everything in this process's memory. */
export const deepstreamServer = serve(
  {
    /** Returns the address. */
    async listen(): Promise<string> {
      const port = await pickFreePort();
      const deepstream = new Deepstream({
        logLevel: LOG_OFF,
        httpServer: { type: "default", options: { host: "127.0.0.1", port } },
        connectionEndpoints: [{ type: "ws-binary", options: { urlPath: PATH } }],
      });
      server = deepstream;
      await new Promise<void>((resolve) => {
        deepstream.on("started", resolve);
        deepstream.start();
      });
      return `ws://127.0.0.1:${port}${PATH}`;
    },
  },
  () => server?.stop(),
);
