import { Encoder } from "@conat/conat/internal";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assertWholeValue, checkFrame } from "./frame-guard.ts";

const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.string(),
    fc.double(),
    fc.maxSafeInteger(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie("value"), { maxLength: 20 }),
    fc.dictionary(
      fc.string().filter((name) => name !== "__proto__"),
      tie("value"),
    ),
  ),
}));

function frameOf(data: unknown): Uint8Array {
  const [frame] = new Encoder().encode({ type: 2, nsp: "/", data: ["event", data] });
  if (frame === undefined) throw new Error("no frame");
  return frame;
}

describe("the frame guard", () => {
  it("lets every frame pass that a client can make", () => {
    fc.assert(
      fc.property(anyValue, (value) => assertWholeValue(frameOf(value))),
      { numRuns: 500 },
    );
    for (const length of [15, 16, 31, 32, 255, 256, 65_535, 65_536]) {
      assertWholeValue(frameOf("x".repeat(length)));
      assertWholeValue(frameOf(new Uint8Array(length)));
      assertWholeValue(frameOf(new Array(length).fill(1)));
      assertWholeValue(frameOf(new Date(length)));
    }
  });

  it("stops a frame that is cut off, anywhere, and one that goes on too long", () => {
    fc.assert(
      fc.property(anyValue, fc.integer({ min: 1, max: 1_000 }), (value, cut) => {
        const frame = frameOf(value);
        const end = Math.max(0, frame.length - cut);
        expect(() => assertWholeValue(frame.subarray(0, end))).toThrow(RangeError);
        const longer = new Uint8Array(frame.length + 1);
        longer.set(frame);
        expect(() => assertWholeValue(longer)).toThrow(RangeError);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["an array of four billion", [0xdd, 0xff, 0xff, 0xff, 0xff]],
    ["a map of four billion", [0xdf, 0xff, 0xff, 0xff, 0xff]],
    ["a string of four billion", [0xdb, 0xff, 0xff, 0xff, 0xff]],
    ["bytes of four billion", [0xc6, 0xff, 0xff, 0xff, 0xff]],
    ["an extension of four billion", [0xc9, 0xff, 0xff, 0xff, 0xff]],
    ["a byte that begins nothing", [0xc1]],
    ["nothing", []],
  ])("stops %s before anybody makes room for it", (_what, bytes) => {
    expect(() => assertWholeValue(Uint8Array.from(bytes))).toThrow(RangeError);
  });

  it("stops nested arrays of thirty million each without taking the memory they ask for", () => {
    const bomb = new Uint8Array(50);
    const view = new DataView(bomb.buffer);
    for (let at = 0; at < bomb.length; at += 5) {
      view.setUint8(at, 0xdd);
      view.setUint32(at + 1, 30_000_000);
    }
    const before = process.memoryUsage.rss();
    expect(() => assertWholeValue(bomb)).toThrow(RangeError);
    expect(process.memoryUsage.rss() - before).toBeLessThan(50_000_000);
  });

  it("reads a view into a larger buffer, not the buffer", () => {
    const frame = frameOf([1, 2, 3]);
    const larger = new Uint8Array(frame.length + 20);
    larger.set(frame, 10);
    assertWholeValue(larger.subarray(10, 10 + frame.length));
  });

  it("answers garbage with nothing but a RangeError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          assertWholeValue(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("the packets that a client may send", () => {
  const packet = (type: number, nsp: string, data: unknown, id?: number): Uint8Array => {
    const [frame] = new Encoder().encode({ type, nsp, data, id });
    if (frame === undefined) throw new Error("no frame");
    return frame;
  };

  it("are a handshake, a farewell and events", () => {
    expect(checkFrame(packet(0, "/", { v: 1 }))).toBe(0);
    expect(
      checkFrame(packet(0, "/", Object.fromEntries([..."abcdefghijklmnopqrst"].entries()))),
    ).toBe(0);
    expect(checkFrame(packet(1, "/", undefined))).toBe(1);
    expect(checkFrame(packet(2, "/", ["open", 1]))).toBe(2);
  });

  it.each([
    ["a handshake with nothing, which Socket.IO falls over", packet(0, "/", null)],
    ["a handshake with a list", packet(0, "/", [1])],
    ["a handshake with a text", packet(0, "/", "x")],
    ["a handshake that is missing", Uint8Array.from([0x92, 0, 0xa1, 0x2f])],
    ["another namespace, whose name would be sent back", packet(0, "/other", {})],
    ["no namespace", packet(0, "", {})],
    ["an acknowledgement", packet(3, "/", [1], 1)],
    ["a refusal", packet(4, "/", {})],
    ["an event that asks for an acknowledgement", packet(2, "/", ["open"], 1)],
    ["nothing", new Uint8Array(0)],
  ])("are not %s", (_what, frame) => {
    expect(() => checkFrame(frame)).toThrow(RangeError);
  });
});
