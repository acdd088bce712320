import { eventually } from "@conat/conat/testing";
import { type CountedServers, type Counts, readCounts } from "./counts.ts";
import { type Sample, slope } from "./slope.ts";

export interface CycleOptions {
  readonly servers: CountedServers;
  /** One cycle: opens something and closes it again. */
  readonly cycle: (at: number) => Promise<void>;
  /** Cycles at the same time. */
  readonly concurrency: number;
  /** Whether to go on after so many cycles, and so long a time. */
  readonly goOn: (cycles: number, elapsedMs: number) => boolean;
  /** Cycles between two looks at the heap. */
  readonly stride: number;
  /** Strides before the first look: the first cycles compile code and fill caches. */
  readonly warmUp: number;
  /** Told after each look, with the cycles so far and the bytes of the heap in use. */
  readonly onLook?: (cycles: number, heapBytes: number) => void;
}

export interface CycleReport {
  readonly cycles: number;
  /** Counts that are not what they were before. */
  readonly left: Readonly<Record<string, string>>;
  /** Rise of each per cycle. */
  readonly heapBytesPerCycle: number;
  readonly handlesPerCycle: number;
  readonly subscriptionsPerCycle: number;
}

/** Runs cycles, and finds out what they leave behind. Needs a process with `--expose-gc`. */
export async function runCycles(options: CycleOptions): Promise<CycleReport> {
  const { servers, goOn, stride, warmUp } = options;
  let cycles = 0;
  const runStride = async (): Promise<void> => {
    await runSome(options, cycles);
    cycles += stride;
  };
  for (let count = 0; count < warmUp; count += 1) await runStride();
  const before = await readCounts(servers);
  const heap: Sample[] = [{ at: cycles, value: heapBytes() }];
  const handles: Sample[] = [{ at: cycles, value: before.handles }];
  const subscriptions: Sample[] = [{ at: cycles, value: before.subscriptions }];
  const measuredFrom = cycles;
  const startedAt = performance.now();
  while (goOn(cycles - measuredFrom, performance.now() - startedAt)) {
    await runStride();
    const counts = await untilSame(servers, before);
    const value = heapBytes();
    options.onLook?.(cycles - measuredFrom, value);
    heap.push({ at: cycles, value });
    handles.push({ at: cycles, value: counts.handles });
    subscriptions.push({ at: cycles, value: counts.subscriptions });
  }
  return {
    cycles: cycles - measuredFrom,
    left: differences(before, await untilSame(servers, before)),
    heapBytesPerCycle: slope(heap),
    handlesPerCycle: slope(handles),
    subscriptionsPerCycle: slope(subscriptions),
  };
}

async function runSome({ cycle, concurrency, stride }: CycleOptions, from: number): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < stride) {
      next += 1;
      await cycle(from + next);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

/** What ends by itself has a while to do so: the hub keeps a replica for the next reader. */
async function untilSame(servers: CountedServers, before: Counts): Promise<Counts> {
  let counts = await readCounts(servers);
  await eventually(async () => {
    if (Object.keys(differences(before, counts)).length === 0) return true;
    counts = await readCounts(servers);
    return false;
  }).catch(() => undefined);
  return counts;
}

function differences(before: Counts, after: Counts): Record<string, string> {
  const names = Object.keys(before) as (keyof Counts)[];
  return Object.fromEntries(
    names
      .filter((name) => before[name] !== after[name])
      .map((name) => [name, `${before[name]} before, ${after[name]} after`]),
  );
}

/** What is in use: objects and buffers. */
function heapBytes(): number {
  if (globalThis.gc === undefined) throw new Error("start node with --expose-gc");
  // Twice: what a first collection finalizes, a second one frees.
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
