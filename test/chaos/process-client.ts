import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { type Dump, dump, type History, parseHistory } from "./history.ts";

export interface ClientOptions {
  readonly name: string;
  readonly address: string;
  readonly seed: number;
  readonly pauseMs: number;
  readonly logFile: string;
}

/** A client of the run, wherever it runs. */
export interface ChaosClient {
  readonly name: string;
  /** Ends its work; resolves when everything it wrote has ended. */
  stop(): Promise<void>;
  dump(): Promise<Dump>;
  close(): Promise<void>;
  history(): History;
}

const answer = z.object({
  id: z.number(),
  result: z.unknown().optional(),
  error: z.string().optional(),
});

/** A client in a Node process of its own, which can be killed and frozen. */
export class ProcessClient implements ChaosClient {
  readonly #options: ClientOptions;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(e: Error): void }>();
  #lastId = 0;
  #killedAt: number | undefined;

  /** Resolves when the client has opened its stores and works. */
  static async start(options: ClientOptions): Promise<ProcessClient> {
    const client = new ProcessClient(options);
    await client.#answer(0);
    return client;
  }

  private constructor(options: ClientOptions) {
    this.#options = options;
    const entry = join(import.meta.dirname, "client-process.ts");
    this.#child = fork(entry, [JSON.stringify(options)], {
      cwd: import.meta.dirname,
      execArgv: ["--conditions=source", "--import", "tsx"],
    });
    this.#exited = new Promise((resolve) => this.#child.once("exit", () => resolve()));
    this.#child.on("message", (message) => this.#onAnswer(message));
    void this.#exited.then(() => {
      for (const { reject } of this.#waiting.values()) {
        reject(new Error(`the client ${options.name} has ended`));
      }
    });
  }

  get name(): string {
    return this.#options.name;
  }

  get wasKilled(): boolean {
    return this.#killedAt !== undefined;
  }

  async stop(): Promise<void> {
    await this.#order("stop");
  }

  async dump(): Promise<Dump> {
    return dump.parse(await this.#order("dump"));
  }

  async close(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      await this.#order("close").catch(() => undefined);
    }
    await this.#exited;
  }

  history(): History {
    const events = parseHistory(readFileSync(this.#options.logFile, "utf8"));
    return { client: this.name, events, killedAt: this.#killedAt };
  }

  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  async kill(): Promise<void> {
    this.#killedAt = Date.now();
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  #order(order: string): Promise<unknown> {
    this.#lastId += 1;
    this.#child.send({ id: this.#lastId, order });
    return this.#answer(this.#lastId);
  }

  #answer(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #onAnswer(message: unknown): void {
    const { id, result, error } = answer.parse(message);
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(`${this.name}: ${error}`));
  }
}
