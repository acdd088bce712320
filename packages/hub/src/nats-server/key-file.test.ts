import { mkdtemp, readdir, readFile, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { loadKeyFile } from "./key-file.ts";

let folder = "";
let file = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "conat-keys-"));
  file = join(folder, "a.nk");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const load = (text: string): Promise<string> => loadKeyFile(file, () => text, parse);

function parse(text: string): string {
  if (!text.startsWith("key ")) throw new Error(`not a key: ${text}`);
  return text.slice(4);
}

it("makes keys once, for this user's eyes only, and leaves nothing beside them", async () => {
  expect(await load("key one")).toBe("one");
  expect(await load("key two")).toBe("one");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(["a.nk"]);
  expect(await readFile(file, "utf8")).toBe("key one");
});

it("keeps what is no key, and does not say what it is", async () => {
  await loadKeyFile(
    file,
    () => "secret",
    (text) => text,
  );
  const error: unknown = await load("key one").catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ kind: "folder-unusable" });
  expect(Reflect.get(Object(error), "cause")).toBeUndefined();
  expect(String(error)).not.toContain("secret");
  expect(await readFile(file, "utf8")).toBe("secret");
});

it("makes no others where keys may be that cannot be read now", async () => {
  await symlink(file, file);
  await expect(load("key one")).rejects.toMatchObject({ code: "ELOOP" });
});
