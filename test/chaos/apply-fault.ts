import { setTimeout as sleep } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { Cast, Lines } from "./cast.ts";
import { BUCKET_STREAM } from "./evidence.ts";
import type { Act } from "./fault.ts";

/** Makes a fault happen, and mends it. Resolves when everything runs again. */
export async function applyFault(cast: Cast, { fault, forMs }: Act): Promise<void> {
  switch (fault.kind) {
    case "cut":
    case "stall":
    case "delay":
      return trouble(fault.kind, linesOf(cast, fault), forMs);
    case "flap":
      return flap(linesOf(cast, fault), forMs);
    case "replace":
      return cast.replaceClient(fault.at);
    case "step-down":
      return stepDown(cast);
    case "pause":
      return pause(cast, fault.target, fault.at, forMs);
    case "kill":
    case "terminate":
      return restart(cast, fault, forMs);
  }
}

function linesOf(
  { clientLines, hubLines, cluster }: Cast,
  { target, at }: Extract<Act["fault"], { kind: "cut" | "stall" | "delay" | "flap" }>,
): Lines {
  switch (target) {
    case "client-line":
      return clientLines[at] ?? [];
    case "hub-line":
      return hubLines[at] ?? [];
    case "route":
      return cluster?.routes.slice(at, at + 1) ?? [];
    case "routes-of": {
      const node = cluster?.nodes[at];
      return node ? (cluster?.routesOf(node) ?? []) : [];
    }
  }
}

/** Just long enough for the nodes to call each other again, in milliseconds: they do so once a second. */
const FLAP_MS = 1_300;

async function flap(lines: Lines, forMs: number): Promise<void> {
  for (let leftMs = forMs; leftMs > 0; leftMs -= FLAP_MS) {
    await trouble("cut", lines, 50);
    await sleep(Math.min(leftMs, FLAP_MS));
  }
}

async function trouble(
  kind: "cut" | "stall" | "delay",
  lines: Lines,
  forMs: number,
): Promise<void> {
  for (const line of lines) {
    if (kind === "delay") line.delay(100);
    else line[kind]();
  }
  await sleep(forMs);
  for (const line of lines) line.mend();
}

async function pause(
  cast: Cast,
  target: "nats" | "hub" | "client",
  at: number,
  forMs: number,
): Promise<void> {
  if (target === "nats") {
    const node = cast.nodes[at];
    await node?.kill("SIGSTOP");
    await sleep(forMs);
    await node?.kill("SIGCONT");
  } else if (target === "hub") {
    const hub = cast.hubs[at];
    hub?.signal("SIGSTOP");
    await sleep(forMs);
    hub?.signal("SIGCONT");
  } else {
    const client = cast.processes[at];
    client?.pause();
    await sleep(forMs);
    client?.resume();
  }
}

async function restart(
  cast: Cast,
  fault: Extract<Act["fault"], { kind: "kill" | "terminate" }>,
  forMs: number,
): Promise<void> {
  const signal = fault.kind === "kill" ? "SIGKILL" : "SIGTERM";
  if (fault.target === "hub") {
    const hub = cast.hubs[fault.at];
    await hub?.end(signal);
    await sleep(forMs);
    await hub?.start();
    return;
  }
  const node =
    fault.target === "leader"
      ? await cast.cluster?.leaderOf(BUCKET_STREAM).catch(() => undefined)
      : cast.nodes[fault.at];
  // A cluster in trouble has no leader, and a node may be down already.
  if (node?.pid === undefined) return;
  await node.kill(signal);
  await sleep(forMs);
  await node.restart();
}

async function stepDown(cast: Cast): Promise<void> {
  try {
    const connection = await connect({ servers: cast.natsUrl.split(","), timeout: 2_000 });
    try {
      await jetstreamManager(connection, { checkAPI: false, timeout: 2_000 });
      await connection.request(`$JS.API.STREAM.LEADER.STEPDOWN.${BUCKET_STREAM}`, "", {
        timeout: 2_000,
      });
    } finally {
      await connection.close();
    }
  } catch {
    // There may be no leader to step down.
  }
}
