import { gzipSync } from "node:zlib";
import { defaultClientConditions } from "vite";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bundlePage } from "./page-bundle.ts";

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
    const { modules, code } = await bundlePage(pubsub, conditions);
    const unwanted = modules.filter((path) => /@nats-io|jetstream|direct-node/.test(path));
    expect(unwanted).toEqual([]);
    expect(modules.some((path) => path.endsWith("direct-browser.ts"))).toBe(true);
    expect(code).not.toContain("__vite-browser-external");
  });

  it("with the connection and PubSub stays small: 21 kB of it are the libraries of the wire", async () => {
    const { code } = await bundlePage(pubsub);
    expect(gzipSync(code).length).toBeLessThan(31_000);
  });
});
