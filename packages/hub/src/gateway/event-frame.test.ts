import { expect, it } from "vitest";
import { EventFrame } from "./event-frame.ts";

it.each([
  [0, [0x82, 0]],
  [125, [0x82, 125]],
  [126, [0x82, 126, 0, 126]],
  [65_535, [0x82, 126, 255, 255]],
  [65_536, [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
])("a payload of %i bytes follows the header of RFC 6455", (length, header) => {
  const payload = new Uint8Array(length).fill(7);
  const { options, payload: carried, byteLength } = new EventFrame(payload);
  const [frame] = options.wsPreEncodedFrame;
  expect([...frame.subarray(0, header.length)]).toEqual(header);
  expect(frame.subarray(header.length).equals(payload)).toBe(true);
  expect(carried.equals(payload)).toBe(true);
  expect(byteLength).toBe(length);
});
