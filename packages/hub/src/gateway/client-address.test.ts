import { expect, it } from "vitest";
import { clientAddress } from "./client-address.ts";

it.each<[string, string | undefined, number, string]>([
  ["nobody trusted", "1.2.3.4", 0, "peer"],
  ["one proxy", "1.2.3.4", 1, "1.2.3.4"],
  ["one proxy, and a client that lies", "8.8.8.8, 1.2.3.4", 1, "1.2.3.4"],
  ["two proxies", "8.8.8.8, 1.2.3.4, 10.0.0.1", 2, "1.2.3.4"],
  ["fewer than trusted", "1.2.3.4", 2, "peer"],
  ["no header", undefined, 1, "peer"],
  ["an empty one", "", 1, "peer"],
])("with %s", (_what, header, trusted, address) => {
  expect(clientAddress("peer", header, trusted)).toBe(address);
});
