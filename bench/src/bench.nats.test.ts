import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const NODE = ["--conditions=source", "--import", "tsx", join(import.meta.dirname, "main.ts")];

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface Figures {
  readonly rows: readonly {
    readonly row: string;
    readonly floor: number | null;
    readonly sides: readonly { readonly name: string; readonly rounds: readonly number[] }[];
  }[];
}

async function bench(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [...NODE, ...args], { cwd: ROOT });
  let output = "";
  const read = (text: string): void => {
    output += text;
  };
  child.stdout.setEncoding("utf8").on("data", read);
  child.stderr.setEncoding("utf8").on("data", read);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, output };
}

describe("npm run bench", () => {
  it("measures what it is asked for, prints a table and writes the figures to a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "conat-bench-test-"));
    folders.push(folder);
    const file = join(folder, "figures.json");
    const { code, output } = await bench("--quick", "--json", file, "pubsub-latency", "hub-start");
    expect(output).toContain("round 1 of 1");
    expect(code, output).toBe(0);
    const figure = expect.any(Number);
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
      machine: { cores: figure, node: process.versions.node },
      rows: [
        {
          row: "pubsub-latency",
          unit: "ms",
          ours: figure,
          floor: figure,
          ratio: figure,
          target: "≤ 1.25 × floor",
          ok: expect.any(Boolean),
          peers: {},
        },
        { row: "hub-start", ours: figure, floor: null, ratio: null, target: "≤ 400 ms" },
      ],
      failed: [],
    });
  }, 120_000);

  it("compares clients that decode with clients that decode, and loses no addition to a hot key", async () => {
    const folder = mkdtempSync(join(tmpdir(), "conat-bench-test-"));
    folders.push(folder);
    const file = join(folder, "figures.json");
    const { code, output } = await bench(
      ...["--quick", "--no-peers", "--json", file, "fan-out-20", "hot-key"],
    );
    expect(code, output).toBe(0);
    const { rows }: Figures = JSON.parse(readFileSync(file, "utf8"));
    const floorOf = (name: string): string | undefined => {
      const row = rows.find((one) => one.row === name);
      return row?.sides.find(({ rounds }) => rounds[0] === row.floor)?.name;
    };
    expect(floorOf("fan-out-20")).toBe("raw Socket.IO objects");
    expect(floorOf("fan-out-20-entries")).toBe("raw Socket.IO");
    const lost = rows.find(({ row }) => row === "hot-key-lost")?.sides ?? [];
    expect(lost.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["conat", "conat direct", "raw turns", "raw turns, stored"]),
    );
    expect(lost.flatMap(({ rounds }) => rounds)).toEqual(lost.map(() => 0));
  }, 120_000);

  it("lists its rows", async () => {
    const { code, output } = await bench("--list", "--large");
    expect(code).toBe(0);
    expect(output).toContain("open-cold-1000000");
  });

  it("says which row it does not know", async () => {
    const { code, output } = await bench("no-such-row");
    expect(code).toBe(1);
    expect(output).toContain("there is no row that begins with no-such-row");
  });
});
