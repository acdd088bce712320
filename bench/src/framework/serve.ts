/**
 * The child's side of a process of the bench: one object of functions, which the parent calls by name.
 * It ends when its parent does.
 */

/** What a process can be asked to do: each takes one argument that can be cloned. */
export type Methods = Readonly<Record<string, (argument: never) => unknown>>;

/** Parent → child. */
export interface Call {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
}

/** Child → parent. `error` is absent when the call has succeeded. */
export interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string | undefined;
}

/** Name of the call that ends a process in good order, so that a profile is written. */
export const STOP = "stop";

/**
 * Answers the parent's calls.
 * @param close runs before the process ends on request.
 */
export function serve<M extends Methods>(methods: M, close?: () => unknown): M {
  const byName = new Map<string, (argument: never) => unknown>(Object.entries(methods));
  process.on("message", (call: Call) => void answer(call));
  process.on("disconnect", () => process.exit());
  return methods;

  async function answer({ id, method, argument }: Call): Promise<void> {
    if (method === STOP) {
      await close?.();
      process.exit();
    }
    try {
      const run = byName.get(method);
      if (run === undefined) throw new Error(`this process has no method ${method}`);
      process.send?.({ id, result: await run(argument as never) } satisfies Reply);
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.send?.({ id, error: text } satisfies Reply);
    }
  }
}
