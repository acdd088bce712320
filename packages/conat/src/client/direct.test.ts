import { expect, it } from "vitest";
import { openDirect } from "#direct";
import { connect } from "./connect.ts";

it("is the way to NATS when running in Node, also in tests", async () => {
  const client = connect("nats://127.0.0.1:1");
  expect(openDirect.length).toBe(2);
  await client.close();
});
