import { describe, expect, it } from "vitest";
import { DeliveryReader } from "./delivery.ts";
import { type RawMessage, rawMessage } from "./raw-message.ts";

function replyingTo(subject: string): RawMessage {
  return rawMessage(Buffer.from("key"), Buffer.alloc(0), 0, Buffer.from(subject));
}

describe("a consumer's reply subject", () => {
  it.each([
    "$JS.ACK.KV_conat-p0.conat-load.1.4711.3.1795253497435331220.17",
    "$JS.ACK.hub.acc0unt.KV_conat-p0.conat-load.1.4711.3.1795253497435331220.17",
    "$JS.ACK._.acc0unt.KV_conat-p0.conat-load.1.4711.3.1795253497435331220.17.rAnd0m",
  ])("tells sequence, time and what is left: %s", (subject) => {
    const reader = new DeliveryReader();
    const delivery = { seq: 4_711, time: 1_795_253_497_435, pending: 17 };
    expect(reader.read(replyingTo(subject))).toEqual(delivery);
    const next = subject.replace(".1.4711.3.", ".12.99999.4.").replace("220.17", "220.0");
    expect(reader.read(replyingTo(next))).toEqual({ ...delivery, seq: 99_999, pending: 0 });
  });
});
