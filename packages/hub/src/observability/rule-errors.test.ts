import { expect, it } from "vitest";
import { allow } from "../rules/rule.ts";
import { RuleErrors } from "./rule-errors.ts";
import { Tally } from "./tally.ts";

it("a client that makes a rule throw thousands of times does not fill the log, and hides no other rule", () => {
  const lines: unknown[] = [];
  const tally = new Tally();
  const errors = new RuleErrors(tally, { warn: (line: unknown) => void lines.push(line) });
  const [one, other] = [allow("write", "project/*/a/**"), allow("write", "project/*/b/**")];
  for (let count = 0; count < 5_000; count += 1) errors.note(new Error("oh"), one);
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.length).toBeLessThan(100);
  errors.note(new Error("oh"), other);
  expect(lines.at(-1)).toMatchObject({ path: "project/*/b/**" });
  expect(tally.ruleErrors).toBe(5_001);
});
