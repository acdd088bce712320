import { expect, it } from "vitest";
import type { Store, System } from "../systems/system.ts";
import { openHotKey } from "./hot-key.ts";

/** Clients that add to one number, each of which has heard of its own additions only. */
function deafSystem(keep: (number: number) => boolean): System {
  let number = 0;
  const open = async (): Promise<Store> => {
    let heard = 0;
    return {
      size: 0,
      set: () => {},
      confirmed: async () => {},
      onChange: () => {},
      increment: async () => {
        if (keep(number + 1)) number += 1;
        heard = number;
      },
      count: async () => heard,
      close: async () => {},
    };
  };
  return { connect: async () => ({ open, close: async () => {} }) };
}

const OPTIONS = { kind: "hot-key", writers: 3, operations: 11 } as const;

it("counts an addition that only the client has heard of that made it", async () => {
  const load = await openHotKey(
    deafSystem(() => true),
    OPTIONS,
  );
  for (let round = 0; round < 3; round += 1) {
    expect(await load.measure(1)).toMatchObject({ operations: 11, values: { lost: 0 } });
  }
});

it("counts what was confirmed and does not count as lost", async () => {
  const load = await openHotKey(
    deafSystem((number) => number < 8),
    OPTIONS,
  );
  expect(await load.measure(1)).toMatchObject({ values: { lost: 4 } });
});
