import type { Peer } from "../framework/peers.ts";
import { type ConatOptions, conat } from "./conat.ts";
import { type ConatChannelOptions, conatChannel } from "./conat-channel.ts";
import { type NatsKvOptions, natsKv } from "./nats-kv.ts";
import { type RawNatsOptions, rawNats } from "./raw-nats.ts";
import { type RawNatsLoadOptions, rawNatsLoad } from "./raw-nats-load.ts";
import { type RawSocketioOptions, rawSocketio } from "./raw-socketio.ts";
import type { System } from "./system.ts";

/** A system of somebody else, whose packages are there only where they were asked for. */
interface PeerOptions {
  readonly kind: Peer;
  readonly address: string;
}

/** Names a system and where it is; can be sent to another process. */
export type SystemOptions =
  | ConatChannelOptions
  | ConatOptions
  | PeerOptions
  | NatsKvOptions
  | RawNatsLoadOptions
  | RawNatsOptions
  | RawSocketioOptions;

export async function openSystem(options: SystemOptions): Promise<System> {
  switch (options.kind) {
    case "conat":
      return conat(options);
    case "conat-channel":
      return conatChannel(options);
    case "deepstream":
      return (await import("../../peers/deepstream.ts")).deepstream(options.address);
    case "prsm":
      return (await import("../../peers/prsm.ts")).prsm(options.address);
    case "socket.io-msgpack-parser":
      return rawSocketio(
        { kind: "raw-socketio", address: options.address, objects: true },
        await import("../../peers/msgpack-parser.ts"),
      );
    case "nats-kv":
      return natsKv(options);
    case "raw-nats":
      return rawNats(options);
    case "raw-nats-load":
      return rawNatsLoad(options);
    case "raw-socketio":
      return rawSocketio(options);
  }
}
