import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Call, type Methods, type Reply, STOP } from "./serve.ts";

/** The longest single measurement, opening 1,000,000 keys, takes about a minute. */
const CALL_DEADLINE_MS = 180_000;
/** A profile of a long run takes a few seconds to write. */
const STOP_DEADLINE_MS = 15_000;

type Argument<M extends Methods, Name extends keyof M> = Parameters<M[Name]>[0];
type Result<M extends Methods, Name extends keyof M> = Awaited<ReturnType<M[Name]>>;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export interface NodeProcessOptions {
  /** Module that calls `serve`, relative to `bench/src`. */
  readonly module: string;
  /** More flags for Node. */
  readonly flags?: readonly string[] | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The process has ended although nobody asked it to. */
  readonly onLost?: ((error: Error) => void) | undefined;
}

/** A Node process of the bench's own, whose functions are called by name. */
export class NodeProcess<M extends Methods> {
  readonly #module: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #isStopping = false;

  constructor({ module, flags = [], env = {}, onLost }: NodeProcessOptions) {
    this.#module = module;
    this.#child = fork(fileURLToPath(new URL(`../${module}`, import.meta.url)), {
      execArgv: [...process.execArgv, ...flags],
      env: { ...process.env, ...env },
      serialization: "advanced",
    });
    this.#child.on("message", (reply: Reply) => this.#onReply(reply));
    this.#exited = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => {
        const error = new Error(`${module} has ended with ${signal ?? `exit code ${code}`}`);
        this.fail(error);
        if (!this.#isStopping) onLost?.(error);
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /**
   * Calls a function of the process.
   * @throws Error what it threw, or that it has ended or did not answer in time
   */
  call<Name extends keyof M & string>(
    method: Name,
    argument: Argument<M, Name>,
  ): Promise<Result<M, Name>> {
    this.#calls += 1;
    const id = this.#calls;
    return new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(
          new Error(`${this.#module} did not answer ${method} in ${CALL_DEADLINE_MS / 1000} s`),
        );
      }, CALL_DEADLINE_MS);
      const settle = <T>(then: (value: T) => void) => {
        return (value: T): void => {
          clearTimeout(timer);
          then(value);
        };
      };
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.#send({ id, method, argument });
    }) as Promise<Result<M, Name>>;
  }

  /** Ends the process in good order if it can, and resolves when it is gone. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#send({ id: 0, method: STOP, argument: undefined });
    }
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_DEADLINE_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #send(call: Call): void {
    this.#child.send(call, (error) => {
      if (error) this.#waiting.get(call.id)?.reject(error);
    });
  }

  #onReply({ id, result, error }: Reply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
  }

  /** Rejects every call that has no answer yet. */
  fail(error: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
