import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "vite";

const EXAMPLES = join(import.meta.dirname, "../examples");

/** Builds the page of an application in examples/ into a new folder, as a user does. */
export async function buildExample(name: string): Promise<string> {
  const root = join(EXAMPLES, name);
  const outDir = await mkdtemp(join(tmpdir(), `conat-${name}-`));
  const { NODE_ENV } = process.env;
  // Under the test runner's own, React would render everything twice.
  process.env.NODE_ENV = "production";
  try {
    await build({
      root,
      configFile: join(root, "vite.config.ts"),
      logLevel: "error",
      build: { outDir, emptyOutDir: true },
    });
  } finally {
    process.env.NODE_ENV = NODE_ENV;
  }
  return outDir;
}
