import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { ConatError, type Session } from "@conat/conat/internal";
import { chooseAuthenticator } from "./auth/choose-authenticator.ts";
import { Doorkeeper } from "./auth/doorkeeper.ts";
import { NoticeBoard } from "./auth/notice-board.ts";
import { ProjectLookup } from "./auth/project-lookup.ts";
import { parseTarget, RevocationSet, type RevocationTarget } from "./auth/revocation-set.ts";
import { BackendGate } from "./backends/backend-gate.ts";
import { tunnelProjectOf } from "./backends/backend-tunnel.ts";
import { Gateway } from "./gateway/gateway.ts";
import { type HttpListener, listenHttp } from "./http-listener.ts";
import { type HubOptions, type ResolvedHubOptions, resolveHubOptions } from "./hub-options.ts";
import { createHttpHandler } from "./observability/http.ts";
import type { MetricsPage, Observed } from "./observability/metrics.ts";
import { RuleErrors } from "./observability/rule-errors.ts";
import { Tally } from "./observability/tally.ts";
import type { Rule } from "./rules/rule.ts";
import { RulesInForce } from "./rules/rules-in-force.ts";
import { openUpstream, type Upstream } from "./upstream/open-upstream.ts";
import { SharedSession } from "./upstream/shared-session.ts";

export interface CloseHubOptions {
  /** Time for clients to move elsewhere first, in milliseconds. @default 0 */
  readonly drainMs?: number | undefined;
}

/** A running hub. */
export interface Hub extends AsyncDisposable {
  /** Where clients connect and the page is, such as `http://127.0.0.1:4400`. */
  readonly url: string;
  readonly port: number;
  /** What the hub itself sees: everything. For trusted code in the same process. */
  readonly session: Session;
  /** Address of NATS; undefined when the hub was given a session. */
  readonly natsUrl: string | undefined;
  /** Process id of the hub's own NATS server, while it has one. */
  readonly natsPid: number | undefined;
  /**
   * Makes what was given so far void: a token by its `jti`, all of an account or of a project's backend, or with both
   * ids the account's place in the project. Feeds and subscriptions that are not allowed any more end with `revoked`.
   * Resolves when that is so at every live hub; it is remembered over restarts, for as long as a token may live.
   * @throws ConatError `bad-options`; `timeout` when a live hub has not confirmed, though it will obey, too
   */
  revoke(target: RevocationTarget): Promise<void>;
  /** An account's projects have changed: every hub asks its lookup again. Resolves and throws as {@link revoke}. */
  projectsChanged(account_id: string): Promise<void>;
  /** Puts other rules in force; what is open is looked at again. Resolves when nobody hears what they do not allow. */
  setRules(rules: readonly Rule[]): Promise<void>;
  /** Lets nobody in any more and asks clients to move; resolves when they have, or after `moveWithinMs`. */
  drain(moveWithinMs: number): Promise<void>;
  /** Ends connections, NATS, and all that was started. Writes that were taken on are answered first. Idempotent. */
  close(options?: CloseHubOptions): Promise<void>;
}

/** How long writes that were taken on may take when the hub closes, in milliseconds. */
const SETTLE_DEADLINE_MS = 5_000;

/**
 * Starts a hub.
 * @throws ConatError `bad-options` for options that do not go together, `unavailable` when the port is in use or NATS
 * is not reached, `server-too-old`; NatsServerError when no server of its own can be started.
 */
export async function startHub(userOptions: HubOptions = {}): Promise<Hub> {
  const options = resolveHubOptions(userOptions);
  const authenticator = await chooseAuthenticator(options);
  checkStaticDir(options.staticDir);
  let upstream: Upstream | undefined;
  let metrics: (() => Promise<MetricsPage>) | undefined;
  let gate: BackendGate | undefined;
  const missing = (): string | undefined => {
    if (upstream?.session.status.state !== "ready") return "NATS is not reached";
    if (metrics === undefined) return "the hub is starting";
    if (gate?.isListening === false) return "NATS does not let it hear projects' backends";
    return undefined;
  };
  // First, so that a port in use is noticed before anything is started.
  const http = await listenHttp(
    options.host,
    options.port,
    createHttpHandler({
      missing,
      metrics: () => metrics?.(),
      onMetricsError: (error) =>
        options.logger.error({ err: error }, "the metrics could not be collected"),
      staticDir: options.staticDir,
      isForClientsOnly: (socket) => tunnelProjectOf(socket) !== undefined,
    }),
    options.handshakeTimeoutMs,
  );
  try {
    upstream = await openUpstream(options);
  } catch (error) {
    await http.close();
    throw error;
  }
  const { logger } = options;
  let board: NoticeBoard | undefined;
  const tally = new Tally();
  const session = new SharedSession(upstream.session, {
    feedLingerMs: options.feedLingerMs,
    maxReplicaBytes: options.maxReplicaBytes,
    markerTtlMs: upstream.markerTtlMs,
    knows: upstream.knows,
    onListenerError: (error) => logger.error({ err: error }, "a listener failed"),
  });
  const projects = options.projects && new ProjectLookup(options.projects, options.projectsTtlMs);
  const doorkeeper = new Doorkeeper({ authenticator, projects, revocations: new RevocationSet() });
  const ruleErrors = new RuleErrors(tally, logger);
  const rules = new RulesInForce({
    session,
    rules: options.rules ?? [],
    onRuleError: (error, rule) => ruleErrors.note(error, rule),
    onListenerError: (error) => logger.error({ err: error }, "a listener failed"),
  });
  const gateway = new Gateway({
    ...options,
    http: http.server,
    tunnelProjectOf,
    session,
    doorkeeper,
    rules,
    isFenced: () => board?.isLapsed ?? true,
    hubName: options.name ?? `${options.host}:${http.port}`,
    tally,
  });
  gateway.setLapsed(true);
  try {
    board = await NoticeBoard.open({
      session: upstream.session,
      hubId: randomUUID(),
      leaseMs: options.leaseMs,
      logger,
      onNotice: (notice, isGone) => gateway.note(notice, isGone),
      onReload: () => doorkeeper.forgetNotices(),
      onLapsed: (isLapsed) => gateway.setLapsed(isLapsed),
    });
    gate = await openGate({ options, http, upstream, gateway, tally });
  } catch (error) {
    await gateway.close(0);
    await board?.close();
    await http.close();
    await session.close();
    await upstream.close();
    throw error;
  }
  const hub = new RunningHub({ options, http, upstream, session, gateway, board, rules, gate });
  const isReady = (): boolean => missing() === undefined;
  metrics = metricsOf({ tally, gateway, session, rules, gate, isReady });
  logger.info(
    { audit: "config", url: hub.url, nats: upstream.natsServer?.url, ...describeOptions(options) },
    "the hub has started",
  );
  return hub;
}

interface Parts {
  readonly options: ResolvedHubOptions;
  readonly http: HttpListener;
  readonly upstream: Upstream;
  readonly session: SharedSession;
  readonly gateway: Gateway;
  readonly board: NoticeBoard;
  readonly rules: RulesInForce;
  readonly gate: BackendGate | undefined;
}

/** The metrics page, which is made when somebody first asks: a tenth of what a hub has to load. */
function metricsOf(observed: Observed): () => Promise<MetricsPage> {
  let page: Promise<MetricsPage> | undefined;
  return () => {
    page ??= import("./observability/metrics.ts").then(
      ({ createMetricsPage }) => createMetricsPage(observed),
      (error: unknown) => {
        // A hub that could open no more files may open one at the next time.
        page = undefined;
        throw error;
      },
    );
    return page;
  };
}

/** The door for projects' own backends in NATS, where its keys are known. */
function openGate({
  options,
  http,
  upstream: { natsUrl, backendKeys },
  gateway,
  tally,
}: Pick<Parts, "options" | "http" | "upstream" | "gateway"> & {
  readonly tally: Tally;
}): Promise<BackendGate> | undefined {
  if (natsUrl === undefined || backendKeys === undefined) return undefined;
  const { limits, logger } = options;
  return BackendGate.open({
    servers: natsUrl,
    keys: backendKeys,
    http: http.server,
    admit: (request) => gateway.admitBackend(request),
    limits,
    tally,
    logger,
  });
}

class RunningHub implements Hub {
  readonly url: string;
  readonly port: number;
  readonly session: Session;
  readonly #parts: Parts;
  readonly #reviewer: NodeJS.Timeout | undefined;
  #closed: Promise<void> | undefined;

  constructor(parts: Parts) {
    const { options, http, session } = parts;
    this.port = http.port;
    this.url = `http://${shownHost(options.host)}:${this.port}`;
    this.session = session;
    this.#parts = parts;
    if (options.projects) {
      this.#reviewer = setInterval(() => {
        parts.gateway.review().catch((error: unknown) => {
          options.logger.error({ err: error }, "the projects of accounts could not be looked at");
        });
      }, options.projectsTtlMs);
      this.#reviewer.unref();
    }
  }

  get natsUrl(): string | undefined {
    return this.#parts.upstream.natsUrl;
  }

  get natsPid(): number | undefined {
    return this.#parts.upstream.natsServer?.pid;
  }

  async revoke(target: RevocationTarget): Promise<void> {
    const { board, options } = this.#parts;
    const parsed = parseTarget(target);
    const notice = { type: "revoked", target: parsed, at: this.session.serverTime() } as const;
    await board.post(notice, options.revocationTtlMs);
  }

  projectsChanged(account_id: string): Promise<void> {
    const { board, options } = this.#parts;
    const notice = { type: "projects", account_id, at: this.session.serverTime() } as const;
    // Later, every hub has asked again by itself.
    return board.post(notice, options.projectsTtlMs);
  }

  setRules(rules: readonly Rule[]): Promise<void> {
    this.#parts.rules.replace(rules);
    this.#parts.options.logger.info(
      { audit: "rules", rules: rules.length },
      "other rules are in force",
    );
    return this.#parts.gateway.reviewRules();
  }

  drain(moveWithinMs: number): Promise<void> {
    this.#parts.gate?.stop();
    return this.#parts.gateway.drain(moveWithinMs);
  }

  close(options: CloseHubOptions = {}): Promise<void> {
    this.#closed ??= this.#close(options.drainMs ?? 0);
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(drainMs: number): Promise<void> {
    const { gateway, http, session, upstream, options, board, gate } = this.#parts;
    gate?.stop();
    if (drainMs > 0) await gateway.drain(drainMs);
    clearInterval(this.#reviewer);
    await gateway.close(SETTLE_DEADLINE_MS);
    await http.close();
    await gate?.close();
    await board.close();
    await session.close();
    await upstream.close();
    options.logger.info("the hub has stopped");
  }
}

/** What decides who may do what here, without secrets. */
function describeOptions(options: ResolvedHubOptions): object {
  const { dev, jwt, allowedOrigins, trustedProxies, rules, projects, limits } = options;
  return {
    dev,
    authentication: dev ? "none" : jwt ? "tokens" : "function",
    issuer: jwt?.issuer,
    audience: jwt?.audience,
    cookieName: jwt?.cookie,
    allowedOrigins,
    trustedProxies,
    rules: rules?.length ?? 0,
    projectsByLookup: projects !== undefined,
    limits,
  };
}

function checkStaticDir(dir: string | undefined): void {
  if (dir === undefined || statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new ConatError("bad-options", `there is no folder ${dir} to serve a page from`);
}

/** A listening address as one can connect to it. */
function shownHost(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
