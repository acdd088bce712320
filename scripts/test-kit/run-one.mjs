// Started by tests: runs one child the way the scripts do, and exits with its exit code.
import { endWithParent, PARENT_WATCH, run } from "../child.mjs";

const CHILD = `
process.on("SIGTERM", () => setTimeout(() => {
  console.log(JSON.stringify({ ended: "cleanly" }));
  process.exit(0);
}, 50));
console.log(JSON.stringify({ child: process.pid }));
setTimeout(() => process.exit(7), Number(process.argv[1]));
`;

const [lifetimeMs = "60000"] = process.argv.slice(2);
console.log(JSON.stringify({ script: process.pid }));
endWithParent();
process.exitCode = await run(process.execPath, [
  ...["--import", PARENT_WATCH, "-e", CHILD],
  lifetimeMs,
]);
