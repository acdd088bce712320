import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const PACKAGE = join(ROOT, "packages/conat");
const spec = readFileSync(join(PACKAGE, "SPEC.md"), "utf8");

/** Where a test file that the page names is: in the package, or in the project. */
function locate(path: string): string | undefined {
  return [PACKAGE, ROOT].map((root) => join(root, path)).find((file) => existsSync(file));
}

/** The text of the tests that a name in the page stands for. */
function testsCalled(name: string): string {
  if (name === "state") return readFileSync(join(PACKAGE, "src/dkv/dkv-state.test.ts"), "utf8");
  if (name === "behaviour") {
    const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith("-behaviour.ts"));
    return files.map((file) => readFileSync(join(import.meta.dirname, file), "utf8")).join("\n");
  }
  const file = locate(name);
  return file === undefined ? "" : readFileSync(file, "utf8");
}

describe("SPEC.md", () => {
  it("names test files that are there", () => {
    const named = [...spec.matchAll(/`([\w./-]+\.ts)`/g)].map(([, path = ""]) => path);
    expect(named.filter((path) => locate(path) === undefined)).toEqual([]);
  });

  it("quotes tests that are there, for every invariant", () => {
    const invariants = spec.match(/^\d+\. \*\*I[\s\S]*?(?=^\d+\. |^## )/gm) ?? [];
    expect(invariants.length).toBeGreaterThan(20);
    for (const invariant of invariants) {
      const text = invariant.replaceAll(/\s+/g, " ");
      expect(text, "names a test").toMatch(/`(state|behaviour)`: "|\.test\.ts`/);
      for (const [, name = "", titles = ""] of text.matchAll(
        /`([\w./-]+)`: ((?:"[^"]*"(?:, )?)+)/g,
      )) {
        const tests = testsCalled(name);
        for (const [, title = ""] of titles.matchAll(/"([^"]*)"/g)) {
          expect(tests.includes(title), `${name} has a test "${title}"`).toBe(true);
        }
      }
    }
  });

  it("leaves no cell of the table of events empty", () => {
    const rows = spec.split("\n").filter((line) => line.startsWith("| **"));
    expect(rows.length).toBeGreaterThan(20);
    for (const row of rows.filter((line) => line.split("|").length > 4)) {
      const cells = row.split("|").slice(1, -1);
      expect(cells).toHaveLength(6);
      expect(cells.filter((cell) => cell.trim() === "")).toEqual([]);
    }
  });
});
