import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as hooks from "@conat/frontend-hooks";
import { describe, expect, it } from "vitest";

const FOLDER = join(import.meta.dirname, "../docs/hooks");
const pages = readdirSync(FOLDER).filter((name) => name.endsWith(".md"));
const examples = readdirSync(join(FOLDER, "examples"));

interface Block {
  readonly info: string;
  readonly code: string;
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(join(FOLDER, page), "utf8");
  return [...text.matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)].map(([, info = "", code = ""]) => ({
    info,
    code,
  }));
}

describe("the pages about the hooks", () => {
  it.each(pages)("%s shows the code that is type-checked, as it is", (page) => {
    for (const { info, code } of blocksOf(page)) {
      const file = /file=(\S+)/.exec(info)?.[1];
      expect(file, `a block of ${page} names no file`).toBeDefined();
      expect(code).toBe(readFileSync(join(FOLDER, file ?? ""), "utf8"));
    }
  });

  it("show every example", () => {
    const shown = pages.flatMap(blocksOf).map(({ info }) => /examples\/(\S+)/.exec(info)?.[1]);
    expect(new Set(shown)).toEqual(new Set(examples));
  });

  it("speak of everything that the package exports", () => {
    const text = pages.map((page) => readFileSync(join(FOLDER, page), "utf8")).join("\n");
    expect(Object.keys(hooks).filter((name) => !text.includes(name))).toEqual([]);
  });

  it("link to pages that are there", () => {
    for (const page of pages) {
      const text = readFileSync(join(FOLDER, page), "utf8");
      const links = [...text.matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, link]) => link);
      expect(links.filter((link) => !pages.includes(link ?? ""))).toEqual([]);
    }
  });
});
