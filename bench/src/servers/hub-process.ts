import { type Hub, type HubOptions, parseRules, startHub } from "@conat/hub";
import { serve } from "../framework/serve.ts";
import { usedMemory } from "./used-memory.ts";

/** Rules as a file has them: functions do not reach another process. */
export interface RulesFile {
  readonly rules: readonly object[];
}

export interface HubProcessOptions extends Omit<HubOptions, "rules"> {
  readonly rulesFile?: RulesFile | undefined;
}

let hub: Hub | undefined;

/** A hub in a process of its own, as it runs anywhere, that can be asked for its memory. */
export const hubProcess = serve(
  {
    /** Returns the hub's address. */
    async start({ rulesFile, ...options }: HubProcessOptions): Promise<string> {
      const rules = rulesFile && parseRules(rulesFile);
      hub = await startHub({ port: 0, dev: true, rules, ...options });
      return hub.url;
    },
    memory: usedMemory,
  },
  () => hub?.close(),
);
