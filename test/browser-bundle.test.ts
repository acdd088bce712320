import { gzipSync } from "node:zlib";
import { defaultClientConditions } from "vite";
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bundlePage, type PageBundle } from "./page-bundle.ts";

const client = `export { connect, dkv, PubSub } from "@conat/conat";`;
const pubsub = `export { PubSub } from "@conat/conat/sync/pubsub";`;
const wholeStore = `export { ConatProvider, useDKV } from "@conat/frontend-hooks";`;

const REACT = /^react(-dom)?(\/|$)/;
const NOT_OWN = /^(react(-dom)?|@conat\/conat)(\/|$)/;

interface Gate {
  readonly what: string;
  readonly source: string;
  /** What is not counted. */
  readonly without?: RegExp;
  /** Most it may take, in bytes of gzip. */
  readonly gate: number;
}

const GATES: readonly Gate[] = [
  { what: "connect + dkv + PubSub", source: client, gate: 30_000 },
  { what: "connect + PubSub", source: pubsub, gate: 14_000 },
  {
    what: "useDKV, Immutable included",
    source: wholeStore,
    without: REACT,
    gate: 56_000,
  },
  {
    what: "the hooks' own code",
    source: `export * from "@conat/frontend-hooks";`,
    without: NOT_OWN,
    gate: 4_000,
  },
];

/** What a library adds to a page. Not gated: their versions are pinned. */
const LIBRARIES = [
  { what: "  of it immutable", source: wholeStore, library: /^immutable$/, without: REACT },
];

// Vite takes libraries in their development form otherwise.
beforeEach(() => {
  vi.stubEnv("NODE_ENV", "production");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe("a browser bundle", () => {
  const lines: string[] = [];
  const note = (what: string, bytes: number, gate?: number): void => {
    const cells = [bytes, gate].map((cell) => (cell?.toLocaleString("en") ?? "").padStart(8));
    lines.push(what.padEnd(28) + cells.join(""));
  };
  afterAll(() => {
    const head = `${"bytes of gzip".padEnd(28)}${["now", "gate"].map((cell) => cell.padStart(8)).join("")}`;
    console.log([head, ...lines].join("\n"));
  });

  it.each(GATES)("with $what stays small", async ({ what, source, without, gate }) => {
    const { code, modules } = await bundlePage(source, undefined, without);
    const bytes = gzipSync(code).length;
    note(what, bytes, gate);
    expect(bytes).toBeLessThanOrEqual(gate);
    expect(modules.filter(isUnwanted)).toEqual([]);
  });

  it.each(LIBRARIES)("takes from libraries: $what", async ({ what, source, library, without }) => {
    const others = without?.source ?? "^$";
    const [all, rest] = await Promise.all([
      bundlePage(source, undefined, without),
      bundlePage(source, undefined, new RegExp(`${library.source}|${others}`)),
    ]);
    const bytes = gzipSync(all.code).length - gzipSync(rest.code).length;
    note(what, bytes);
    expect(bytes).toBeGreaterThan(1_000);
  });

  it.each([
    ["as Vite builds it by itself", ["source", ...defaultClientConditions]],
    ["of a page whose own conditions leave the usual ones out", ["source"]],
  ])("%s holds nothing of NATS and nothing of Node", async (_how, conditions) => {
    const bundle = await bundlePage(client, conditions);
    expect(bundle.modules.filter(isUnwanted)).toEqual([]);
    expect(bundle.modules.some((path) => path.endsWith("direct-browser.ts"))).toBe(true);
    expect(bundle.code).not.toContain("__vite-browser-external");
  });

  it("checks what a hub sends without the schemas, and takes Immutable only where a whole store is shown", async () => {
    expect(uses(await bundlePage(client), "valibot")).toBe(false);
    const oneKey = `export { ConatProvider, useDKVKey } from "@conat/frontend-hooks";`;
    expect(uses(await bundlePage(oneKey, undefined, REACT), "immutable")).toBe(false);
    expect(uses(await bundlePage(wholeStore, undefined, REACT), "immutable")).toBe(true);
  });
});

function isUnwanted(path: string): boolean {
  return /@nats-io|jetstream|direct-node|sha256-node|web-socket-node/.test(path);
}

/** Whether anything of a library is left in the code, by something that every version of it says. */
function uses({ code }: PageBundle, library: "valibot" | "immutable"): boolean {
  return code.includes({ valibot: "strict_tuple", immutable: "@@__IMMUTABLE_MAP__@@" }[library]);
}
