import { build, defaultClientConditions } from "vite";
import { gzipSync } from "node:zlib";
const conat = "/work/main/packages/conat";
const size = async (source, external = []) => {
  const built = await build({ root: conat, configFile: false, logLevel: "error", resolve: { conditions: ["source", ...defaultClientConditions] },
    plugins: [{ name: "p", resolveId: (id) => id === "virtual:p" ? conat + "/src/p.ts" : undefined, load: (id) => id.endsWith("/conat/src/p.ts") ? source : undefined }],
    build: { write: false, rollupOptions: { external, input: "virtual:p", preserveEntrySignatures: "strict" } } });
  const o = (Array.isArray(built) ? built : [built]).flatMap((b) => b.output).filter((c) => c.type === "chunk");
  const code = o.map((c) => c.code).join("\n");
  console.log(gzipSync(code).length, code.length, source.slice(0, 110), external.length);
  return code
};
const ext = ["socket.io-client", "@msgpack/msgpack", "valibot", "@noble/hashes/sha2.js"];
const ps = `export { PubSub } from "./sync/pubsub.ts";`, dk = `export { dkv } from "./sync/dkv.ts";`;
await size(ps + dk); await size(ps); await size(ps + dk, ext); await size(ps, ext);
await size(`export { HubSession } from "./session/hub-session.ts";`, [...ext, /protocol\//]);
await size(`export { HubSession } from "./session/hub-session.ts";`, [...ext]);
await size(`export * from "./protocol/messages/store.ts";export * from "./protocol/messages/topic.ts";export * from "./protocol/messages/hello.ts";`, [...ext]);
await size(`export { Manager } from "socket.io-client";`);
await size(`export { encode, decode } from "@msgpack/msgpack";`);
await size(`export { Encoder, Decoder } from "./protocol/frame-parser.ts";`);
await size(`export * from "./protocol/messages/store.ts";export * from "./protocol/messages/topic.ts";export * from "./protocol/messages/hello.ts"; export { safeParse } from "valibot"`);
await size(`export { encodeValue, decodeValue } from "./protocol/value-codec.ts"`);
await size(`export { encodeValue, decodeValue } from "./protocol/value-codec.ts"`, ext);
await size(`export { sha256 } from "@noble/hashes/sha2.js"`);
