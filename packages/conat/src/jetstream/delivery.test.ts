import { describe, expect, it } from "vitest";
import { DeliveryReader } from "./delivery.ts";

describe("a consumer's reply subject", () => {
  it.each([
    "$JS.ACK.KV_conat-p0.conat-load.1.4711.3.1795253497435331220.17",
    "$JS.ACK.hub.acc0unt.KV_conat-p0.conat-load.1.4711.3.1795253497435331220.17",
    "$JS.ACK._.acc0unt.KV_conat-p0.conat-load.1.4711.3.1795253497435331220.17.rAnd0m",
  ])("tells sequence, time and what is left: %s", (subject) => {
    const reader = new DeliveryReader();
    const delivery = { seq: 4_711, time: 1_795_253_497_435, pending: 17 };
    expect(reader.read(Buffer.from(subject))).toEqual(delivery);
    const next = subject.replace(".1.4711.3.", ".12.99999.4.").replace("220.17", "220.0");
    expect(reader.read(Buffer.from(next))).toEqual({ ...delivery, seq: 99_999, pending: 0 });
  });
});
