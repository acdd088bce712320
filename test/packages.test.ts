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
import { isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

/** Compiles, packs and checks three packages, on a busy machine. */
const PACK_TIMEOUT_MS = 240_000;

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

it("code and types import nothing that the package does not ask for", () => {
  const missing = manifests.flatMap((manifest) => {
    const asked = { ...manifest.dependencies, ...manifest.peerDependencies };
    const known = new Set([manifest.name, ...Object.keys(asked)]);
    const dist = join(modules, manifest.name, "dist");
    return readdirSync(dist, { recursive: true, encoding: "utf8" })
      .filter((file) => /\.(js|d\.ts)$/.test(file))
      .flatMap((file) => importedPackages(readFileSync(join(dist, file), "utf8")))
      .filter((name) => !known.has(name) && !isBuiltin(name))
      .map((name) => `${manifest.name}: ${name}`);
  });
  expect([...new Set(missing)]).toEqual([]);
});

/** The packages that compiled code or a declaration names, without what is behind a package's name. */
function importedPackages(code: string): string[] {
  const named = code.matchAll(
    /(?:^(?:import|export|\})[^"'=\n]*\bfrom |^import |import\()["']([^"'.#][^"']*)["']/gm,
  );
  return [...named].map(([, from = ""]) => {
    const parts = from.split("/");
    return parts.slice(0, parts[0]?.startsWith("@") ? 2 : 1).join("/");
  });
}

it.each(["conat", "conat-hub"])("the command %s starts", async (command) => {
  const { name, bin } = manifests.find(({ bin }) => bin?.[command]) ?? {};
  const program = join(modules, name ?? "", bin?.[command] ?? "");
  const { stdout } = await runFile(process.execPath, [program, "--help"], { cwd: folder });
  expect(stdout).toContain(`Usage: ${command}`);
});
