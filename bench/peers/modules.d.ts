// The little of the peers that is used, because they are installed only when the bench runs.

declare module "@prsm/realtime" {
  import type { Server } from "node:http";

  export interface Transaction {
    getRecord(id: string): Promise<unknown>;
    writeRecord(id: string, value: unknown): void;
  }

  export class RealtimeServer {
    constructor(options: {
      redis: { host: string; port: number };
      authenticateConnection: () => object;
    });
    exposeRecord(pattern: RegExp): void;
    exposeWritableRecord(pattern: RegExp): void;
    exposeCommand(
      name: string,
      run: (context: { payload: { readonly id: string } }) => Promise<unknown>,
    ): void;
    transaction(
      change: (transaction: Transaction) => Promise<unknown>,
      options: { records: readonly string[] },
    ): Promise<unknown>;
    attach(http: Server, options: { port: number; host?: string }): Promise<void>;
    close(): Promise<void>;
  }
}

declare module "@prsm/realtime/client" {
  export class RealtimeClient {
    constructor(url: string);
    connect(): Promise<void>;
    subscribeRecord(
      id: string,
      onUpdate: () => void,
    ): Promise<{ success: boolean; record: unknown }>;
    writeRecord(id: string, value: unknown): Promise<boolean>;
    command(name: string, payload: unknown): Promise<unknown>;
    close(): Promise<void>;
  }
}

declare module "@deepstream/server" {
  export class Deepstream {
    constructor(options: object);
    start(): void;
    on(event: "started" | "stopped", listener: () => void): void;
    stop(): void;
  }
}

declare module "@deepstream/client" {
  export interface DeepstreamRecord {
    whenReady(): Promise<unknown>;
    set(value: unknown): void;
    subscribe(onChange: () => void): void;
  }

  export class DeepstreamClient {
    readonly record: {
      getRecord(name: string): DeepstreamRecord;
      setData(name: string, value: unknown, onStored: (error: string | null) => void): void;
    };
    constructor(url: string);
    login(): Promise<unknown>;
    close(): void;
  }
}

declare module "socket.io-msgpack-parser" {
  export class Encoder {}
  export class Decoder {}
}
