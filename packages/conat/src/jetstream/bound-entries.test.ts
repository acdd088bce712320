import { describe, expect, it } from "vitest";
import type { StoreRef } from "../protocol/scope.ts";
import type { Mutation, WriteResult } from "../session/session.ts";
import { BoundEntries } from "./bound-entries.ts";

const REF: StoreRef = {
  scope: { kind: "project", id: "p" },
  name: "presence",
  ephemeral: false,
  service: "",
};
const MUTATION: Mutation = {
  key: "alice",
  value: new Uint8Array([49]),
  origin: "o",
  write: 1,
  expectedSeq: undefined,
  ttlMs: 0,
  headers: undefined,
  untilDisconnect: true,
};

describe("an entry that lasts as long as its writer", () => {
  it("is not set anew by one who is leaving, although its store sees it removed", async () => {
    const below = { read: async () => undefined, write: () => {} };
    const bound = new BoundEntries({ below, maxEntries: 1 });
    await bound.release();
    const sent: Mutation[] = [];
    const result = await new Promise<WriteResult>((resolve) =>
      bound.write(REF, [MUTATION], resolve, (mutations) => sent.push(...mutations)),
    );
    expect(result).toMatchObject({ ok: false, error: { kind: "closed" } });
    expect(sent).toEqual([]);
    expect(bound.size).toBe(0);
  });
});
