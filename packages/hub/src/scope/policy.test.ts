import type { Scope } from "@conat/conat/internal";
import { expect, it } from "vitest";
import { accountIdentity, hubIdentity, type Identity, projectIdentity } from "./identity.ts";
import { isAllowed, OPERATIONS, type Operation } from "./policy.ts";

const identities: Record<string, Identity> = {
  account: accountIdentity("me", ["mine", "shared"]),
  "account without projects": accountIdentity("me"),
  project: projectIdentity("mine"),
  hub: hubIdentity(),
};

const places: Record<string, { scope: Scope; name: string }> = {
  "own account": { scope: { kind: "account", id: "me" }, name: "x" },
  "other account": { scope: { kind: "account", id: "you" }, name: "x" },
  "account named like own project": { scope: { kind: "account", id: "mine" }, name: "x" },
  "project mine": { scope: { kind: "project", id: "mine" }, name: "x" },
  "project shared": { scope: { kind: "project", id: "shared" }, name: "x" },
  "other project": { scope: { kind: "project", id: "theirs" }, name: "x" },
  "project named like own account": { scope: { kind: "project", id: "me" }, name: "x" },
  "project named __proto__": { scope: { kind: "project", id: "__proto__" }, name: "x" },
  "hub, public": { scope: { kind: "hub", id: "" }, name: "public" },
  "hub, other": { scope: { kind: "hub", id: "" }, name: "secret" },
  "hub with an id, public": { scope: { kind: "hub", id: "me" }, name: "public" },
};

/** Who may do anything where; `read` where only reading is allowed. Every other cell is a denial. */
const allowed: Record<string, Record<string, "all" | "read">> = {
  account: {
    "own account": "all",
    "project mine": "all",
    "project shared": "all",
    "hub, public": "read",
  },
  "account without projects": { "own account": "all", "hub, public": "read" },
  project: { "project mine": "all", "hub, public": "read" },
  hub: Object.fromEntries(Object.keys(places).map((place) => [place, "all" as const])),
};

const cells = Object.keys(identities).flatMap((who) =>
  Object.keys(places).flatMap((where) =>
    OPERATIONS.map((operation): [string, Operation, string] => [who, operation, where]),
  ),
);

it.each(cells)("%s may %s in: %s", (who, operation, where) => {
  const identity = identities[who];
  const place = places[where];
  if (identity === undefined || place === undefined) throw new Error("no such cell");
  const cell = allowed[who]?.[where];
  const expected = cell === "all" || (cell === "read" && operation === "read");
  expect(isAllowed(identity, operation, place.scope, place.name)).toBe(expected);
});
