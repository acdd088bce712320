import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

/** Pause before a hub that has died is started again, in milliseconds. */
const RESTART_WAIT_MS = 1_000;

/** A hub in a process of its own, started again when it dies. */
export interface HubChild {
  readonly url: string;
  /** Its process now; `undefined` between two lives. */
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/**
 * Starts a hub as its command does.
 * @param nodeArgs flags for Node, such as those that let it run TypeScript.
 * @throws Error when it does not start the first time; it has said why.
 */
export async function startHubChild(
  nodeArgs: readonly string[],
  args: readonly string[],
  log: (line: string) => void,
): Promise<HubChild> {
  let child = spawnHub(nodeArgs, args);
  const url = await urlOf(child);
  // The second time on the same port.
  const again = [...args, "--port", new URL(url).port];
  const ending = new AbortController();
  const watching = (async () => {
    for (;;) {
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      if (ending.signal.aborted) return;
      log(`the hub at ${url} has ended; it is started again`);
      await sleep(RESTART_WAIT_MS, undefined, { signal: ending.signal }).catch(() => undefined);
      if (ending.signal.aborted) return;
      child = spawnHub(nodeArgs, again);
      await urlOf(child).catch(() => undefined);
    }
  })();
  return {
    url,
    get pid() {
      return child.exitCode === null && child.signalCode === null ? child.pid : undefined;
    },
    stop: async () => {
      ending.abort();
      child.kill("SIGTERM");
      await watching;
    },
  };
}

function spawnHub(nodeArgs: readonly string[], args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [...nodeArgs, MAIN, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    // A Ctrl-C is for this process, which ends its children in order.
    detached: true,
  });
}

async function urlOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("a hub says its address on its standard output");
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^conat: (http:\S+)$/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error("a hub did not start, see above");
}
