import { describe, expect, it } from "vitest";
import { contentKey } from "./content-key.ts";

describe("options written inline", () => {
  it("are the same when their content is, in whatever order", () => {
    expect(contentKey({ name: "a", project_id: "p" })).toBe(
      contentKey({ project_id: "p", name: "a" }),
    );
    expect(contentKey({ name: "a", ephemeral: false, service: undefined })).toBe(
      contentKey({ name: "a" }),
    );
  });

  it("are different when scope, name, ephemeral, service or a limit is", () => {
    const keys = [
      { project_id: "p", name: "a" },
      { account_id: "p", name: "a" },
      { project_id: "p", name: "" },
      { project_id: "p", name: "a", ephemeral: true },
      { project_id: "p", name: "a", service: "s" },
      { project_id: "p", name: "a", ttlMs: 1 },
      { project_id: "p", name: 'a"],["service","s' },
    ].map(contentKey);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("count a function or a schema by its presence", () => {
    const schema = (): object => ({ "~standard": { version: 1, validate: () => ({}) } });
    const keyOf = (): string => contentKey({ name: "a", merge: () => 1, schema: schema() });
    expect(keyOf()).toBe(keyOf());
    expect(keyOf()).not.toBe(contentKey({ name: "a", merge: () => 1 }));
    expect(keyOf()).not.toBe(contentKey({ name: "a", schema: schema() }));
  });
});
