import type { RequestListener, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import sirv from "sirv";
import type { MetricsPage } from "./metrics.ts";

export interface HttpOptions {
  /** What is missing for clients to be served now; undefined when nothing is. */
  readonly missing: () => string | undefined;
  /** Undefined until the hub has started. */
  readonly metrics: () => Promise<MetricsPage> | undefined;
  readonly onMetricsError: (error: unknown) => void;
  /** Folder of a web page to serve at `/`. */
  readonly staticDir: string | undefined;
  /** Whether a connection is only there for a WebSocket: what operators and visitors ask for is not for its peer. */
  readonly isForClientsOnly: (socket: Duplex) => boolean;
}

const SECURITY_HEADERS: readonly (readonly [string, string])[] = [
  ["X-Content-Type-Options", "nosniff"],
  ["Referrer-Policy", "no-referrer"],
  ["X-Frame-Options", "SAMEORIGIN"],
  ["Content-Security-Policy", "frame-ancestors 'self'; object-src 'none'; base-uri 'self'"],
  ["Cross-Origin-Opener-Policy", "same-origin"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
];

/** Tells browsers to take an answer for no more than it is. */
export function setSecurityHeaders(response: ServerResponse): void {
  for (const [name, value] of SECURITY_HEADERS) response.setHeader(name, value);
}

/** Answers plain HTTP requests: health, metrics and files. */
export function createHttpHandler(options: HttpOptions): RequestListener {
  const serveFile =
    options.staticDir === undefined ? undefined : sirv(options.staticDir, { etag: true });
  return (request, response) => {
    setSecurityHeaders(response);
    const [path] = (request.url ?? "/").split("?", 1);
    if (options.isForClientsOnly(request.socket)) {
      notFound(response);
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      answer(response, 405, "only GET and HEAD\n");
    } else if (path === "/healthz") {
      answer(response, 200, "ok\n");
    } else if (path === "/readyz") {
      const missing = options.missing();
      if (missing === undefined) answer(response, 200, "ready\n");
      else answer(response, 503, `not ready: ${missing}\n`);
    } else if (path === "/metrics") {
      void answerMetrics(response, options);
    } else if (serveFile) {
      serveFile(request, response, () => notFound(response));
    } else {
      notFound(response);
    }
  };
}

async function answerMetrics(
  response: ServerResponse,
  { metrics, onMetricsError }: HttpOptions,
): Promise<void> {
  const loaded = metrics();
  if (loaded === undefined) {
    answer(response, 503, "not started\n");
    return;
  }
  try {
    const page = await loaded;
    answer(response, 200, await page.read(), page.contentType);
  } catch (error) {
    onMetricsError(error);
    answer(response, 500, "the metrics could not be collected\n");
  }
}

function notFound(response: ServerResponse): void {
  answer(response, 404, "nothing here\n");
}

function answer(
  response: ServerResponse,
  status: number,
  text: string,
  type = "text/plain; charset=utf-8",
): void {
  response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store" });
  response.end(text);
}
