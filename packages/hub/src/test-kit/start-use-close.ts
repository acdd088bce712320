import { HubSession } from "../../../conat/src/session/hub-session.ts";
import { FeedProbe, mutate, store, TopicProbe } from "../../../conat/src/testing/session-probe.ts";
import { startHub } from "../hub.ts";

/** A program that starts a hub, uses it, closes it, and then has nothing left to do. */
const [dataDir] = process.argv.slice(2);
if (dataDir === undefined) throw new Error("name a data folder");
const hub = await startHub({ port: 0, dev: true, dataDir });
const session = new HubSession({ address: new URL(hub.url), identity: { project_id: "p" } });
const scope = { kind: "project" as const, id: "p" };
const ref = { scope, name: "s", ephemeral: false, service: "" };
const feed = new FeedProbe(session, ref);
new TopicProbe(session, { scope, path: "", name: "t" });
await feed.synced();
await store(session, ref, mutate(session, "k", "v"));
await (await fetch(`${hub.url}/metrics`)).text();
// Closed from the hub's side: the client is still there.
await hub.close();
await session.close();
console.log("closed");
