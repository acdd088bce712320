import { describe, expect, it } from "vitest";
import { readPublishReply } from "./publish-reply.ts";
import { rawMessage } from "./raw-message.ts";

function reply(payload: string, headers = "") {
  const bytes = Buffer.from(headers + payload);
  return readPublishReply(rawMessage(Buffer.from("_INBOX.x.1"), bytes, headers.length));
}

function error(code: number, errCode: number, description: string): string {
  const stream = "KV_conat-p0";
  return JSON.stringify({ error: { code, err_code: errCode, description }, stream, seq: 0 });
}

describe("the answer to a publish", () => {
  it("tells the sequence", () => {
    for (const text of ['{"stream":"KV_p", "seq":12}', '{"stream":"KV_p","seq":12}']) {
      expect(reply(text)).toEqual({ type: "stored", seq: 12, duplicate: false });
    }
    expect(reply('{"stream":"KV_p","seq":12,"domain":"hub"}')).toMatchObject({ seq: 12 });
  });

  it("tells that the id was seen before", () => {
    const text = '{"stream":"KV_p", "seq":12,"duplicate": true}';
    expect(reply(text)).toEqual({ type: "stored", seq: 12, duplicate: true });
  });

  it.each([
    [error(400, 10071, "wrong last sequence: 4"), "conflict"],
    [error(400, 10164, "wrong last sequence"), "conflict"],
    [error(409, 10158, "duplicate message id is in process"), "ambiguous"],
    [error(503, 10023, "insufficient resources"), "storage-full"],
    [error(500, 10047, "insufficient storage resources available"), "storage-full"],
    [error(503, 10077, "maximum bytes exceeded"), "storage-full"],
    [error(400, 10002, "resource limits exceeded for account"), "storage-full"],
    [error(400, 10054, "message size exceeds maximum allowed"), "value-too-large"],
    [error(400, 10097, "header size exceeds maximum allowed of 64k"), "value-too-large"],
    [error(503, 10076, "JetStream not enabled"), "unavailable"],
    [error(503, 10039, "JetStream not enabled for account"), "unavailable"],
    [error(503, 10008, "JetStream system temporarily unavailable"), "unavailable"],
    [error(429, 10167, "too many requests"), "unavailable"],
    [error(400, 10165, "invalid per-message TTL"), "internal"],
    ["", "ambiguous"],
    ["not json", "ambiguous"],
    ["[]", "ambiguous"],
  ])("%s means %s", (text, kind) => {
    expect(reply(text)).toMatchObject({ type: "refused", kind });
  });

  it("of no server is certainly not stored", () => {
    const answer = reply("", "NATS/1.0 503\r\nNats-Subject: x\r\n\r\n");
    expect(answer).toMatchObject({ type: "refused", kind: "unavailable" });
  });
});
