// A hub in a process of its own, because a test with a DOM replaces globals that server code needs.
// Started by fork(): arguments are the port and the data folder; it says its URL, and ends with its parent.
import { startHub } from "@conat/hub";

const [port = "0", dataDir] = process.argv.slice(2);
const hub = await startHub({ port: Number(port), dev: true, dataDir, logger: "error" });
process.on("disconnect", () => {
  void hub.close().finally(() => process.exit());
});
process.send?.(hub.url);
