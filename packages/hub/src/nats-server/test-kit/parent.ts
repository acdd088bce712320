import { startNatsServer } from "../supervisor.ts";

// Started by a test that then kills it: runs a nats-server and says which one.
const [dataDir, binary, launchMode] = process.argv.slice(2);
if (dataDir === undefined || binary === undefined) {
  throw new Error("usage: parent.ts <data folder> <nats-server> [native|wrapper]");
}
const server = await startNatsServer({
  dataDir,
  binary,
  launchMode: launchMode === "wrapper" ? "wrapper" : "native",
});
console.log(JSON.stringify({ serverPid: server.pid }));
