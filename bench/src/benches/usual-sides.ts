import type { Side } from "../framework/bench.ts";
import type { Server, SideOptions, Stage } from "../framework/stage.ts";
import type { LoadOptions } from "../load/load-process.ts";
import type { RawNatsOptions } from "../systems/raw-nats.ts";

/** A side that several benches have, but for its load. */
export type UsualSide = Omit<SideOptions, "load">;

export function throughHub(hub: Server, nats: Server): UsualSide {
  return {
    name: "conat",
    role: "conat",
    system: { kind: "conat", address: hub.url },
    servers: { hub, nats },
  };
}

/** In a project of its own, so that the side through the hub does not hear it. */
export function straightOnNats(nats: Server): UsualSide {
  return {
    name: "conat direct",
    role: "conat",
    system: { kind: "conat", address: nats.url, project: "direct" },
    servers: { nats },
  };
}

export function onRawNats(nats: Server, tells?: RawNatsOptions["tells"]): UsualSide {
  return {
    name: "raw NATS",
    role: "floor",
    system: { kind: "raw-nats", address: nats.url, ...(tells && { tells }) },
    servers: { nats },
  };
}

export function onCarefulNats(nats: Server, tells?: RawNatsOptions["tells"]): UsualSide {
  return {
    name: "careful NATS",
    role: "peer",
    system: { kind: "raw-nats", address: nats.url, careful: true, ...(tells && { tells }) },
    servers: { nats },
  };
}

export function onNatsKv(nats: Server): UsualSide {
  return {
    name: "NATS KV",
    role: "peer",
    system: { kind: "nats-kv", address: nats.url },
    servers: { nats },
  };
}

/** @param role the floor of what Socket.IO could do, or beside what it could not do at all */
export function onRawSocketio(relay: Server, role: "floor" | "peer" = "floor"): UsualSide {
  return {
    name: "raw Socket.IO",
    role,
    system: { kind: "raw-socketio", address: relay.url },
    servers: { relay },
  };
}

/** The same with values as objects, as who writes it by hand has them: every reader decodes each. */
export function onRawSocketioObjects(relay: Server): UsualSide {
  return {
    name: "raw Socket.IO objects",
    role: "floor",
    system: { kind: "raw-socketio", address: relay.url, objects: true },
    servers: { relay },
  };
}

/** @param relay a relay with NATS behind it */
export function throughBareRelay(relay: Server, nats: Server): UsualSide {
  return {
    name: "bare relay",
    role: "peer",
    system: { kind: "raw-socketio", address: relay.url },
    servers: { relay, nats },
  };
}

/** The same whose readers have what they were told, as those of a store do. @param relay of its own */
export function throughBareRelayKept(relay: Server, nats: Server): UsualSide {
  return {
    name: "bare relay, kept",
    role: "peer",
    system: { kind: "raw-socketio", address: relay.url, keeps: true },
    servers: { relay, nats },
  };
}

/** Opens sides under the same load, one after the other. */
export async function openSides(
  stage: Stage,
  load: LoadOptions,
  usual: readonly UsualSide[],
): Promise<Side[]> {
  const sides: Side[] = [];
  for (const side of usual) sides.push(await stage.side({ ...side, load }));
  return sides;
}
