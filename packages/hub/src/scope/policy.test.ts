import { readFileSync } from "node:fs";
import type { Scope } from "@conat/conat/internal";
import { describe, expect, it } from "vitest";
import { accountIdentity, hubIdentity, type Identity, projectIdentity } from "./identity.ts";
import { isAllowed, OPERATIONS, type Operation, ROLES, type Role, roleIn } from "./policy.ts";

const project = (id: string): Scope => ({ kind: "project", id });
const account = (id: string): Scope => ({ kind: "account", id });
const HUB: Scope = { kind: "hub", id: "" };

const me = accountIdentity("me", { looks: "viewer", writes: "editor", owns: "owner" });
const backend = projectIdentity("mine");

type Case = readonly [what: string, identity: Identity, scope: Scope];

/** Everybody who has a role, and every place where they have it. */
const CASES: Readonly<Record<Role, readonly Case[]>> = {
  hub: [HUB, account("me"), project("mine")].map((scope) => ["the hub", hubIdentity(), scope]),
  self: [
    ["an account in its own scope", me, account("me")],
    ["a project in its own scope", backend, project("mine")],
  ],
  owner: [["an owner", me, project("owns")]],
  editor: [
    ["an editor", me, project("writes")],
    ["who has the project in a bare list", accountIdentity("me", ["bare"]), project("bare")],
  ],
  viewer: [["a viewer", me, project("looks")]],
  stranger: [
    ["an account in another account", me, account("you")],
    ["an account in a project it is not in", me, project("theirs")],
    ["an account in a project named like itself", me, project("me")],
    ["an account in an account named like its project", me, account("owns")],
    ["an account in a project named __proto__", me, project("__proto__")],
    ["an account in the hub's scope", me, HUB],
    ["a project in another project", backend, project("theirs")],
    ["a project in an account named like itself", backend, account("mine")],
    ["a project in the hub's scope", backend, HUB],
  ],
};

interface Row {
  readonly role: string;
  readonly allowed: ReadonlyMap<string, boolean>;
}

/** The table of SPEC.md of roles and operations. */
function readTable(): readonly Row[] {
  const spec = readFileSync(new URL("../../SPEC.md", import.meta.url), "utf8");
  const lines = spec.split("\n");
  const start = lines.findIndex((line) => /^\| role \| read/.test(line));
  const cells = (line: string): string[] =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  const [, ...operations] = cells(lines[start] ?? "");
  const rows: Row[] = [];
  for (const line of lines.slice(start + 2)) {
    if (!line.startsWith("|")) break;
    const [role = "", ...marks] = cells(line);
    const allowed = marks.map((mark, at): [string, boolean] => {
      if (mark !== "yes" && mark !== "–") throw new Error(`a cell must be yes or –, not ${mark}`);
      return [operations[at] ?? "", mark === "yes"];
    });
    rows.push({ role: role.replaceAll("`", ""), allowed: new Map(allowed) });
  }
  return rows;
}

describe("the table in SPEC.md", () => {
  const table = readTable();

  it("names every role and every operation", () => {
    expect(table.map(({ role }) => role)).toEqual(ROLES);
    for (const { allowed } of table) expect([...allowed.keys()]).toEqual(OPERATIONS);
  });

  const cells = table.flatMap(({ role, allowed }) =>
    ROLES.filter((known) => known === role).flatMap((known) =>
      CASES[known].flatMap(([what, identity, scope]) =>
        OPERATIONS.map((operation): [string, Operation, string, Identity, Scope, boolean] => [
          what,
          operation,
          `${scope.kind}/${scope.id}`,
          identity,
          scope,
          allowed.get(operation) ?? false,
        ]),
      ),
    ),
  );

  it.each(cells)(
    "%s may %s in %s as it says",
    (_what, operation, _where, identity, scope, says) => {
      expect(isAllowed(identity, operation, scope, "x")).toBe(says);
    },
  );

  it.each(ROLES.flatMap((role) => CASES[role].map((one) => [role, ...one] as const)))(
    "%s: %s",
    (role, _what, identity, scope) => {
      expect(roleIn(identity, scope)).toBe(role);
    },
  );
});

describe("the store `public` of the hub's scope", () => {
  const hubWithId: Scope = { kind: "hub", id: "me" };

  it.each([["an account", me] as const, ["a project", backend] as const])(
    "can be read by %s, and only that",
    (_who, identity) => {
      for (const operation of OPERATIONS) {
        expect(isAllowed(identity, operation, HUB, "public")).toBe(operation === "read");
        expect(isAllowed(identity, operation, HUB, "secret")).toBe(false);
        expect(isAllowed(identity, operation, hubWithId, "public")).toBe(false);
      }
    },
  );
});
