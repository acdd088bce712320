import type { Sample } from "../load/sample.ts";
import type { Stage } from "./stage.ts";

/** What a side is in its bench: what is measured, what it is measured against, or somebody else's system. */
export type Role = "conat" | "floor" | "peer";

/** One system under one load. */
export interface Side {
  readonly name: string;
  readonly role: Role;
  /** Process ids by what the processes do: `hub`, `nats`, `load`. */
  readonly processes: Readonly<Record<string, number>>;
  /** @param scale part of the full number of operations, at most 1 */
  measure(scale: number): Promise<Sample>;
}

/** A sample and what it cost. */
export interface Measured extends Sample {
  /** Processor time by process, in milliseconds. */
  readonly cpuMs: Readonly<Record<string, number>>;
  /** Most memory held by process, in bytes. */
  readonly peakBytes: Readonly<Record<string, number>>;
}

export interface Target {
  readonly at: "most" | "least";
  readonly times: number;
  /** Name of a side, `floor` for the sum of the row's floor, or `unit` for a plain number of the row's unit. */
  readonly of: string;
}

/** One figure of a bench. */
export interface Row {
  readonly name: string;
  /** What is measured, for people. */
  readonly title: string;
  readonly unit: string;
  readonly metric: (measured: Measured) => number;
  /** Name of the side that is ours. @default "conat" */
  readonly ours?: string;
  /** Sides whose figures add up to the floor. @default every side that is a floor */
  readonly floor?: readonly string[];
  readonly targets: readonly Target[];
}

/** Sides that are measured in turn in one run, and the rows that come out of it. */
export interface Bench {
  readonly name: string;
  readonly rows: readonly Row[];
  /** Only on request, because it takes minutes. */
  readonly large?: boolean;
  /** Most rounds, where one takes long. */
  readonly maxRounds?: number;
  /** Compares with systems that have to be installed. */
  readonly hasPeers?: boolean;
  /** Starts everything; what the stage started it also ends. */
  open(stage: Stage): Promise<readonly Side[]>;
}

export function atMost(times: number, of = "floor"): Target {
  return { at: "most", times, of };
}

export function atLeast(times: number, of = "floor"): Target {
  return { at: "least", times, of };
}
