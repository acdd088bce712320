import { gzipSync } from "node:zlib";
import { build, defaultClientConditions } from "vite";

const size = async (source, show) => {
  const built = await build({
    root: import.meta.dirname,
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["source", ...defaultClientConditions] },
    plugins: [
      {
        name: "p",
        resolveId: (id) => (id === "virtual:p" ? import.meta.dirname + "/p.ts" : undefined),
        load: (id) => (id.endsWith("/test/p.ts") ? source : undefined),
      },
    ],
    build: {
      write: false,
      rollupOptions: { input: "virtual:p", preserveEntrySignatures: "strict" },
    },
  });
  const o = (Array.isArray(built) ? built : [built])
    .flatMap((b) => b.output)
    .filter((c) => c.type === "chunk");
  const code = o.map((c) => c.code).join("\n");
  console.log(gzipSync(code).length, code.length, source.slice(0, 100));
  if (show) {
    const g = {};
    for (const c of o)
      for (const [k, m] of Object.entries(c.modules)) {
        const key = k.includes("node_modules")
          ? k.match(/.*node_modules\/((@[^/]+\/)?[^/]+)/)[1]
          : k.replace(/.*packages\//, "");
        g[key] = (g[key] ?? 0) + m.renderedLength;
      }
    console.table(Object.entries(g).sort((a, b) => b[1] - a[1]));
  }
};
await size(`export { PubSub } from "@conat/conat/sync/pubsub";`, true);
await size(
  `export { PubSub } from "@conat/conat/sync/pubsub"; export { dkv } from "@conat/conat/sync/dkv";`,
);
await size(`export { Manager } from "socket.io-client";`);
await size(`export { encode, decode } from "@msgpack/msgpack";`);
await size(
  `import * as v from "valibot"; export const x = v.strictTuple([v.pipe(v.number(), v.safeInteger(), v.minValue(0)), v.picklist(["a"]), v.nullable(v.instance(Uint8Array)), v.string(), v.array(v.number()), v.pipe(v.string(), v.maxLength(4)), v.object({a: v.optional(v.string())})]); export const p = v.safeParse`,
);
