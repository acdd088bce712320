import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

/** Compiles, packs and checks three packages, on a busy machine. */
const PACK_TIMEOUT_MS = 240_000;

/** Every declaration of every library is checked, too. */
const TYPES_TIMEOUT_MS = 120_000;

const ROOT = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "conat packages-"));
const modules = join(folder, "node_modules");
const runFile = promisify(execFile);

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const manifests: Manifest[] = [];

const entries = (): string[] =>
  manifests.flatMap(({ name, exports }) =>
    Object.keys(exports).map((subpath) => `${name}${subpath.slice(1)}`),
  );

/** Installs what was packed, and of everything else only what its manifest asks for. */
beforeAll(async () => {
  await runFile(process.execPath, [join(ROOT, "scripts/pack.mjs"), folder], { cwd: ROOT });
  for (const tarball of readdirSync(folder).filter((name) => name.endsWith(".tgz"))) {
    const short = tarball.replace(/^conat-(.*)-\d+\.\d+\.\d+.*$/, "$1");
    const target = join(modules, "@conat", short);
    mkdirSync(target, { recursive: true });
    await runFile("tar", ["-xzf", join(folder, tarball), "-C", target, "--strip-components=1"]);
    const manifest: Manifest = JSON.parse(readFileSync(join(target, "package.json"), "utf8"));
    manifests.push(manifest);
    const asked = { ...manifest.dependencies, ...manifest.peerDependencies };
    for (const name of Object.keys(asked).filter((other) => !other.startsWith("@conat/"))) {
      link(join(ROOT, "packages", short, "node_modules", name), join(modules, name));
    }
  }
  // What the user of a typed package has, too.
  for (const name of ["@types/node", "@types/react"]) {
    const from = ["", "packages/frontend-hooks"].map((part) => join(ROOT, part, "node_modules"));
    link(
      join(from.find((place) => existsSync(join(place, name))) ?? "", name),
      join(modules, name),
    );
  }
}, PACK_TIMEOUT_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function link(from: string, to: string): void {
  if (existsSync(to)) return;
  mkdirSync(dirname(to), { recursive: true });
  symlinkSync(from, to, "junction");
}

it("every entry can be imported by plain Node", async () => {
  writeFileSync(
    join(folder, "import-all.mjs"),
    `const failed = [];
for (const entry of process.argv.slice(2)) {
  await import(entry).catch((error) => failed.push(entry + ": " + error.message));
}
console.log(failed.join("\\n"));
process.exit();
`,
  );
  const { stdout } = await runFile(process.execPath, ["import-all.mjs", ...entries()], {
    cwd: folder,
  });
  expect(stdout.trim()).toBe("");
});

it(
  "every entry has types that stand alone",
  async () => {
    const lines = entries().map((entry, at) => `export * as entry${at} from "${entry}";`);
    writeFileSync(join(folder, "all.ts"), lines.join("\n"));
    const compilerOptions = {
      target: "ES2022",
      lib: ["ES2023", "ESNext.Disposable", "DOM"],
      module: "NodeNext",
      strict: true,
      noEmit: true,
      types: ["node"],
    };
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions, files: ["all.ts"] }),
    );
    const compiler = join(ROOT, "node_modules/.bin/tsc");
    const said = await runFile(compiler, ["-p", folder]).catch((error) => error);
    expect(said.stdout).toBe("");
  },
  TYPES_TIMEOUT_MS,
);

it.each(["conat", "conat-hub"])("the command %s starts", async (command) => {
  const { name, bin } = manifests.find(({ bin }) => bin?.[command]) ?? {};
  const program = join(modules, name ?? "", bin?.[command] ?? "");
  const { stdout } = await runFile(process.execPath, [program, "--help"], { cwd: folder });
  expect(stdout).toContain(`Usage: ${command}`);
});
