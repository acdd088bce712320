import type { System } from "../systems/system.ts";
import type { Load, Sample } from "./sample.ts";

export interface ResumeOptions {
  readonly kind: "resume";
  readonly store: string;
  readonly keys: number;
  /** Keys that others change while the client is away. */
  readonly changed: number;
}

/** A client that has been away: from the moment it is connected again until it has every change. */
export async function openResume(system: System, options: ResumeOptions): Promise<Load> {
  const connection = await system.connect();
  const store = await connection.open(options.store, options.keys);
  let missing = 0;
  let complete = (): void => {};
  await store.onChange(() => {
    missing -= 1;
    if (missing === 0) complete();
  });
  return {
    /** Called while the client is away. */
    async measure(): Promise<Sample> {
      missing = options.changed;
      const done = new Promise<void>((resolve) => {
        complete = resolve;
      });
      await connection.reconnected?.();
      const started = performance.now();
      await done;
      const ms = performance.now() - started;
      return { operations: options.changed, seconds: ms / 1_000, latenciesMs: [ms] };
    },
    close: () => connection.close(),
  };
}
