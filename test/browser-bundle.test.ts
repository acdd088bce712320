import { gzipSync } from "node:zlib";
import { build, defaultClientConditions } from "vite";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const ENTRY = "virtual:page";

interface Bundle {
  /** Paths of everything that went into it. */
  readonly modules: readonly string[];
  readonly gzipBytes: number;
  readonly code: string;
}

/** What a browser would load for a page that consists of `source`. */
async function bundle(source: string, conditions: string[]): Promise<Bundle> {
  const built = await build({
    root: import.meta.dirname,
    configFile: false,
    logLevel: "error",
    resolve: { conditions },
    plugins: [
      {
        name: "page",
        resolveId: (id) => (id === ENTRY ? `${import.meta.dirname}/page.ts` : undefined),
        load: (id) => (id === `${import.meta.dirname}/page.ts` ? source : undefined),
      },
    ],
    build: { write: false, rollupOptions: { input: ENTRY, preserveEntrySignatures: "strict" } },
  });
  const outputs = (Array.isArray(built) ? built : [built]).flatMap((one) =>
    "output" in one ? one.output : [],
  );
  const chunks = outputs.flatMap((output) => (output.type === "chunk" ? [output] : []));
  const code = chunks.map((chunk) => chunk.code).join("\n");
  return {
    modules: chunks.flatMap((chunk) => Object.keys(chunk.modules)),
    gzipBytes: gzipSync(code).length,
    code,
  };
}

const pubsub = `export { PubSub } from "@conat/conat/sync/pubsub";`;

// Vite takes libraries in their development form otherwise.
beforeEach(() => {
  vi.stubEnv("NODE_ENV", "production");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe("a browser bundle", () => {
  it.each([
    ["as Vite builds it by itself", ["source", ...defaultClientConditions]],
    ["of a page whose own conditions leave the usual ones out", ["source"]],
  ])("%s holds nothing of NATS and nothing of Node", async (_how, conditions) => {
    const { modules, code } = await bundle(pubsub, conditions);
    const unwanted = modules.filter((path) => /@nats-io|jetstream|direct-node/.test(path));
    expect(unwanted).toEqual([]);
    expect(modules.some((path) => path.endsWith("direct-browser.ts"))).toBe(true);
    expect(code).not.toContain("__vite-browser-external");
  });

  it("with the connection and PubSub stays small: 21 kB of it are the libraries of the wire", async () => {
    const { gzipBytes } = await bundle(pubsub, ["source", ...defaultClientConditions]);
    expect(gzipBytes).toBeLessThan(31_000);
  });
});
