import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { renderReference } from "./config-reference.ts";

it("the README lists every option as the command knows it", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  // Where this fails, put what it expected in place of the README's table.
  expect(readme).toContain(renderReference());
});
