import { type Hub, type HubOptions, startHub } from "@conat/hub";
import { serve } from "../framework/serve.ts";
import { usedMemory } from "./used-memory.ts";

let hub: Hub | undefined;

/** A hub in a process of its own, as it runs anywhere, that can be asked for its memory. */
export const hubProcess = serve(
  {
    /** Returns the hub's address. */
    async start(options: HubOptions): Promise<string> {
      hub = await startHub({ port: 0, dev: true, ...options });
      return hub.url;
    },
    memory: usedMemory,
  },
  () => hub?.close(),
);
