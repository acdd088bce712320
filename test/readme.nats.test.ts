import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { useTestNats } from "@conat/conat/testing";
import { startHub } from "@conat/hub";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
/** Inside the checkout, as where a newcomer would save it, and where React is found. */
const FOLDER = join(ROOT, "docs/hooks/test-output");
/** The compiler reads everything that the examples use. */
const TYPES_TIMEOUT_MS = 120_000;
const ADDRESS = "http://127.0.0.1:4400";
const runFile = promisify(execFile);
const nats = useTestNats();

/** The examples of a page in one language. */
function examples(page: string, language: string): string[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  const blocks = text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"));
  return [...blocks].map(([, code = ""]) => code);
}

function save(name: string, code: string): string {
  const path = join(FOLDER, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code);
  return path;
}

describe.each(["README.md", "packages/conat/README.md"])("the example in %s", (page) => {
  it("does what it says", async () => {
    const hub = await startHub({ port: 0, dev: true, natsUrl: nats().url });
    const [code = ""] = examples(page, "ts");
    expect(code).toContain(ADDRESS);
    const path = save(`${page.replaceAll("/", "-")}.ts`, code.replace(ADDRESS, hub.url));
    const flags = ["--conditions=source", "--import", "tsx"];
    const { stdout, stderr } = await runFile(process.execPath, [...flags, path], { cwd: ROOT });
    expect(stderr).toBe("");
    expect(stdout).toContain("milk { text: 'Buy milk', done: false }");
    await hub.close();
  });
});

it(
  "the examples in README.md have the types that they use",
  async () => {
    const files = [
      save("types/hello.ts", examples("README.md", "ts").join("\n")),
      save("types/app.tsx", examples("README.md", "tsx").join("\n")),
    ];
    const config = save(
      "types/tsconfig.json",
      JSON.stringify({
        extends: join(ROOT, "tsconfig.json"),
        compilerOptions: { typeRoots: [join(ROOT, "node_modules/@types")] },
        include: [],
        files,
      }),
    );
    const said = await runFile(join(ROOT, "node_modules/.bin/tsc"), ["-p", config]).catch(
      (error) => error,
    );
    expect(said.stdout).toBe("");
  },
  TYPES_TIMEOUT_MS,
);

it("every page links to files that are there", async () => {
  const { stdout } = await runFile("git", ["ls-files", "*.md"], { cwd: ROOT });
  const broken = stdout
    .trim()
    .split("\n")
    .flatMap((page) => {
      const text = readFileSync(join(ROOT, page), "utf8");
      const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, to = ""]) => to);
      return links
        .filter((to) => !existsSync(join(ROOT, dirname(page), to)))
        .map((to) => `${page}: ${to}`);
    });
  expect(broken).toEqual([]);
});
