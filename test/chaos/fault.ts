/** Something that goes wrong for a while. */
export type Fault =
  /** A process is killed by force, or asked to end, and started again after that time. */
  | { readonly kind: "kill" | "terminate"; readonly target: "nats" | "hub"; readonly at: number }
  /** A process gets no processor time. */
  | { readonly kind: "pause"; readonly target: "nats" | "hub" | "client"; readonly at: number }
  /** A client is killed, and another one takes its place. */
  | { readonly kind: "replace"; readonly target: "client"; readonly at: number }
  /** A line breaks, or says nothing any more, or is slow. */
  | { readonly kind: "cut" | "stall" | "delay"; readonly target: Line; readonly at: number }
  /** The line between two nodes breaks, hangs, is slow, or does not hold. */
  | {
      readonly kind: "cut" | "stall" | "delay" | "flap";
      readonly target: "route";
      readonly at: number;
    }
  /** A node is cut off from all others, and knows that or does not. */
  | { readonly kind: "cut" | "stall"; readonly target: "routes-of"; readonly at: number }
  /** The leader of the bucket hands over to another node. */
  | { readonly kind: "step-down"; readonly target: "leader"; readonly at: 0 }
  /** The leader of the bucket is killed by force, and started again after that time. */
  | { readonly kind: "kill"; readonly target: "leader"; readonly at: 0 };

/** The line from a client to its hub or NATS, or from a hub to NATS. */
export type Line = "client-line" | "hub-line";

/** A fault at its time. */
export interface Act {
  readonly atMs: number;
  readonly forMs: number;
  readonly fault: Fault;
}

/** How many there are of each. */
export interface CastSize {
  readonly nodes: number;
  readonly hubs: number;
  /** Clients in processes of their own. */
  readonly clients: number;
  readonly pages: number;
}

/** What a cluster promises to survive once at a time: trouble of any node, or of what lies between two of them. */
const OF_CLUSTER: readonly Fault["target"][] = ["nats", "leader", "route", "routes-of"];

/** What is in trouble: never twice at the same time. All of the cluster is one such thing. */
export function slotOf({ target, at }: Fault): string {
  return OF_CLUSTER.includes(target) ? "nats" : `${target} ${at}`;
}

export function describeAct({ atMs, forMs, fault }: Act): string {
  const target = fault.target === "leader" ? "leader" : `${fault.target} ${fault.at}`;
  const length = fault.kind === "step-down" ? "" : ` for ${forMs} ms`;
  return `${(atMs / 1_000).toFixed(1)} s: ${fault.kind} ${target}${length}`;
}
