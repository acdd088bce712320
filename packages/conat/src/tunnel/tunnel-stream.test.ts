import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { decodeTunnelMessage, encodeTunnelMessage } from "./tunnel-message.ts";
import { TUNNEL_WINDOW_BYTES, TunnelStream } from "./tunnel-stream.ts";

/** Two ends, and the messages from one to the other as a network carries them: later, and as `pass` lets them. */
function connectEnds(pass: (message: Uint8Array) => boolean = () => true): {
  readonly one: TunnelStream;
  readonly other: TunnelStream;
} {
  const carry = (to: () => TunnelStream) => (message: Uint8Array) => {
    if (pass(message)) queueMicrotask(() => to().receive(message));
  };
  const one: TunnelStream = new TunnelStream(carry(() => other));
  const other: TunnelStream = new TunnelStream(carry(() => one));
  return { one, other };
}

async function failureOf(stream: TunnelStream): Promise<string> {
  const [error] = await once(stream, "error");
  return String(error);
}

describe("a tunnel", () => {
  it("carries megabytes both ways, in order, to their end", async () => {
    const { one, other } = connectEnds();
    const [there, back] = [randomBytes(5_000_000), randomBytes(3_000_000)];
    one.end(there);
    for (let at = 0; at < back.length; at += 10_000) other.write(back.subarray(at, at + 10_000));
    other.end();
    const [arrived, returned] = await Promise.all([buffer(other), buffer(one)]);
    expect(arrived.equals(there)).toBe(true);
    expect(returned.equals(back)).toBe(true);
  });

  it("sends no more than a window to who does not read, and goes on when they do", async () => {
    let sent = 0;
    const { one, other } = connectEnds((message) => {
      const decoded = decodeTunnelMessage(message);
      if (decoded?.kind === "data") sent += decoded.bytes.length;
      return true;
    });
    one.end(Buffer.alloc(4 * TUNNEL_WINDOW_BYTES));
    other.end();
    await new Promise(setImmediate);
    expect(sent).toBe(TUNNEL_WINDOW_BYTES);
    expect((await buffer(other)).length).toBe(4 * TUNNEL_WINDOW_BYTES);
  });

  it("ends on both sides when a message is lost", async () => {
    let count = 0;
    const { one, other } = connectEnds(() => {
      count += 1;
      return count !== 2;
    });
    const failures = Promise.all([failureOf(one), failureOf(other)]);
    other.resume();
    for (const text of ["a", "b", "c"]) {
      one.write(text);
      await new Promise(setImmediate);
    }
    expect(await failures).toEqual([
      expect.stringContaining("has closed"),
      expect.stringContaining("lost"),
    ]);
  });

  it.each<[string, Uint8Array, string]>([
    ["nothing at all", new Uint8Array(), "no message"],
    ["a kind that there is not", new Uint8Array(20).fill(9), "no message"],
    ["a number that is none", encodeTunnelMessage("taken", Number.NaN), "no message"],
    ["a number below nothing", encodeTunnelMessage("data", -1), "no message"],
    ["a message before its turn", encodeTunnelMessage("data", 2), "lost"],
    ["the same message twice", encodeTunnelMessage("end", 0), "lost"],
    ["more read than was sent", encodeTunnelMessage("taken", 1), "more than was sent"],
    [
      "more than a window",
      encodeTunnelMessage("data", 1, new Uint8Array(TUNNEL_WINDOW_BYTES + 1)),
      "more than may",
    ],
  ])("ends when the other side sends %s", async (_what, message, why) => {
    const stream = new TunnelStream(() => undefined);
    const failure = failureOf(stream);
    stream.receive(message);
    expect(await failure).toContain(why);
    stream.receive(message);
  });

  it("tells the other side when it is let go of, and only then", async () => {
    const { one, other } = connectEnds();
    const failure = failureOf(other);
    one.destroy();
    expect(await failure).toContain("has closed");
    const kinds: unknown[] = [];
    const pair = connectEnds((message) => {
      kinds.push(decodeTunnelMessage(message)?.kind);
      return true;
    });
    pair.one.end("a");
    pair.other.end("b");
    await Promise.all([buffer(pair.one), buffer(pair.other)]);
    expect(kinds).not.toContain("reset");
  });
});
