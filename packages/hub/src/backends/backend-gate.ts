import type { Server as HttpServer } from "node:http";
import {
  ConatError,
  decodeTunnelSubject,
  tunnelFilters,
  tunnelSubjects,
} from "@conat/conat/internal";
import { dial, parseServers } from "@conat/conat/jetstream";
import { encodeTunnelMessage } from "@conat/conat/tunnel";
import { type Msg, type NatsConnection, nkeyAuthenticator } from "@nats-io/transport-node";
import type { Logger } from "pino";
import type { HandshakeRequest } from "../auth/authenticator.ts";
import type { Grant } from "../auth/grant.ts";
import type { GatewayLimits } from "../gateway/limits.ts";
import type { BackendKeys } from "../nats-server/index.ts";
import type { Tally } from "../observability/tally.ts";
import { answerCallout, CALLOUT_SUBJECT } from "./auth-callout.ts";
import { BackendTunnel } from "./backend-tunnel.ts";
import { type Ear, Hearing } from "./hearing.ts";
import { NatsIssuer } from "./nats-issuer.ts";
import { ProjectRate } from "./project-rate.ts";

export interface BackendGateOptions {
  /** NATS, as its address. */
  readonly servers: string;
  readonly keys: BackendKeys;
  /** Gets every tunnel as a connection. */
  readonly http: HttpServer;
  /** Finds out who somebody is. @throws ConatError */
  readonly admit: (request: HandshakeRequest) => Promise<Grant>;
  readonly limits: Pick<
    GatewayLimits,
    "maxConnections" | "maxAddressConnections" | "maxAddressHandshakeRate"
  >;
  readonly tally: Pick<Tally, "countLimited">;
  readonly logger: Logger;
}

/** Hubs of one NATS share what nobody is addressed by name in. */
const QUEUE = "conat-hub";

/**
 * The door for projects' own backends in NATS. They are in an account without data, and may speak there to hubs alone,
 * each over subjects of its own. What they say are the bytes of the connection that others make over TCP.
 */
export class BackendGate {
  readonly #options: BackendGateOptions;
  readonly #nats: NatsConnection;
  readonly #issuer: NatsIssuer;
  readonly #hubId = crypto.randomUUID();
  readonly #tunnels = new Map<string, BackendTunnel>();
  readonly #perProject = new Map<string, number>();
  /** Tunnels that are asked for, and answers to messages of tunnels that there are not. */
  readonly #opens: ProjectRate;
  readonly #strays: ProjectRate;
  readonly #newcomers: Hearing;
  readonly #known: Hearing;
  #isStopped = false;

  private constructor(options: BackendGateOptions, nats: NatsConnection, issuer: NatsIssuer) {
    this.#options = options;
    this.#nats = nats;
    this.#issuer = issuer;
    const { maxAddressHandshakeRate } = options.limits;
    this.#opens = new ProjectRate(maxAddressHandshakeRate);
    this.#strays = new ProjectRate(maxAddressHandshakeRate);
    const filters = tunnelFilters(this.#hubId);
    this.#newcomers = this.#hear([
      {
        subject: CALLOUT_SUBJECT,
        queue: QUEUE,
        onMessage: (message) => void this.#answer(message),
      },
      { subject: filters.open, queue: QUEUE, onMessage: (message) => this.#open(message) },
    ]);
    this.#known = this.#hear([
      { subject: filters.up, onMessage: (message) => this.#receive(message) },
    ]);
    void this.#watch();
  }

  /** @throws ConatError `bad-address`, `bad-options`, `unavailable` when NATS does not know the keys or is not reached */
  static async open(options: BackendGateOptions): Promise<BackendGate> {
    const { keys } = options;
    const { servers, tls } = parseServers(options.servers);
    const issuer = new NatsIssuer(keys.issuer);
    let nats: NatsConnection | undefined;
    let gate: BackendGate | undefined;
    try {
      nats = await dial({
        servers: [...servers],
        ...(tls ? { tls: {} } : {}),
        name: "conat-hub-gate",
        authenticator: nkeyAuthenticator(new TextEncoder().encode(keys.gate)),
        maxReconnectAttempts: -1,
        ignoreAuthErrorAbort: true,
        noAsyncTraces: true,
      });
      gate = new BackendGate(options, nats, issuer);
      await nats.flush();
      const deafness = gate.#newcomers.deafness ?? gate.#known.deafness;
      if (deafness) throw deafness;
      return gate;
    } catch (cause) {
      gate?.stop();
      await nats?.close();
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ConatError(
        "unavailable",
        `NATS does not let the hub into the account of projects' backends: ${why}`,
        { cause },
      );
    }
  }

  get tunnels(): number {
    return this.#tunnels.size;
  }

  /** Whether NATS lets backends be heard, as long as it is reached. */
  get isListening(): boolean {
    return this.#newcomers.deafness === undefined && this.#known.deafness === undefined;
  }

  /** Takes no newcomers any more; who is here stays. */
  stop(): void {
    this.#isStopped = true;
    this.#newcomers.stop();
  }

  /** Ends everything. Idempotent. */
  async close(): Promise<void> {
    this.stop();
    for (const tunnel of this.#tunnels.values()) tunnel.destroy();
    this.#known.stop();
    // What tells them that it is over is still on its way.
    await this.#nats.drain().catch(() => this.#nats.close());
  }

  #hear(ears: readonly Ear[]): Hearing {
    const { logger } = this.#options;
    return new Hearing({
      nats: this.#nats,
      ears,
      onDeaf: (error) =>
        logger.error(
          { err: error },
          "NATS does not let the hub hear projects' backends: check the accounts; trying on",
        ),
      onMended: () => logger.info("NATS lets the hub hear projects' backends again"),
    });
  }

  /** What was on its way when the connection broke is lost: everybody begins anew. */
  async #watch(): Promise<void> {
    for await (const { type } of this.#nats.status()) {
      if (type !== "disconnect") continue;
      for (const tunnel of this.#tunnels.values()) tunnel.destroy();
    }
  }

  async #answer(message: Msg): Promise<void> {
    try {
      const answer = await answerCallout(message.string(), this.#issuer, this.#options.admit);
      if (answer !== undefined && message.reply) this.#publish(message.reply, answer);
    } catch (error) {
      this.#options.logger.error({ err: error }, "a NATS server could not be answered");
    }
  }

  /** The reply of a message is never used: a client writes there what it likes. */
  #open({ subject }: Msg): void {
    const from = decodeTunnelSubject(subject);
    if (from === undefined) return;
    const { project_id, connection } = from;
    const { down } = tunnelSubjects(project_id, connection);
    const send = (bytes: Uint8Array): void => this.#publish(down, bytes);
    const refusal = this.#refuse(project_id);
    if (refusal !== undefined) {
      send(encodeTunnelMessage("reset", 0, Buffer.from(refusal)));
      return;
    }
    this.#tunnels.get(down)?.destroy();
    const tunnel = new BackendTunnel(project_id, send);
    this.#tunnels.set(down, tunnel);
    this.#count(project_id, 1);
    tunnel.once("close", () => {
      if (this.#tunnels.get(down) === tunnel) this.#tunnels.delete(down);
      this.#count(project_id, -1);
    });
    // Who goes without a word is noticed by whoever reads.
    tunnel.on("error", () => undefined);
    send(encodeTunnelMessage("welcome", 0, Buffer.from(this.#hubId)));
    this.#options.http.emit("connection", tunnel);
  }

  #refuse(project_id: string): string | undefined {
    const { maxConnections, maxAddressConnections } = this.#options.limits;
    if (this.#isStopped) return "it is shutting down";
    if (!this.#opens.admits(project_id)) {
      this.#options.tally.countLimited("backend-tunnels");
      return "backends of one project ask for too many connections at once: try again later";
    }
    if (this.#tunnels.size >= maxConnections) return "it has all the connections it takes";
    if ((this.#perProject.get(project_id) ?? 0) < maxAddressConnections) return undefined;
    return `backends of one project have at most ${maxAddressConnections} connections`;
  }

  #count(project_id: string, difference: 1 | -1): void {
    const count = (this.#perProject.get(project_id) ?? 0) + difference;
    if (count > 0) this.#perProject.set(project_id, count);
    else this.#perProject.delete(project_id);
  }

  #receive({ subject, data }: Msg): void {
    const from = decodeTunnelSubject(subject);
    if (from === undefined) return;
    const { down } = tunnelSubjects(from.project_id, from.connection);
    const tunnel = this.#tunnels.get(down);
    if (tunnel) tunnel.receive(data);
    else if (this.#strays.admits(from.project_id)) {
      this.#publish(down, encodeTunnelMessage("reset", 0));
    } else this.#options.tally.countLimited("backend-strays");
  }

  /** What comes in after the end is not worth an answer, and NATS would throw where it hands messages over. */
  #publish(subject: string, payload: Uint8Array | string): void {
    if (!this.#nats.isClosed() && !this.#nats.isDraining()) this.#nats.publish(subject, payload);
  }
}
