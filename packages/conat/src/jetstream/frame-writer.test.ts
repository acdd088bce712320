import { expect, it } from "vitest";
import { digitsOf, FrameWriter } from "./frame-writer.ts";

it("messages that leave together are few pieces, and a large one is its own", () => {
  const pieces: string[] = [];
  const send = (piece: string | Uint8Array): void =>
    void pieces.push(Buffer.from(piece).toString());
  const sizes = [30_000, 30_000, 30_000, 200_000, 10];
  const frames = new FrameWriter({ sendCommand: send }, 290_010);
  sizes.forEach((size, at) => {
    frames.begin(size);
    frames.text(String(at));
    frames.bytes(Buffer.alloc(size - 1, "."));
  });
  frames.send();
  frames.send();
  expect(pieces.map(({ length }) => length)).toEqual([60_000, 30_000, 200_000, 10]);
  expect(pieces.join("").replaceAll(".", "")).toBe("01234");
});

it("numbers are written in decimals", () => {
  const pieces: string[] = [];
  const frames = new FrameWriter(
    { sendCommand: (piece) => pieces.push(Buffer.from(piece).toString()) },
    100,
  );
  const numbers = [0, 7, 10, 99, 100, 4_294_967_296, Number.MAX_SAFE_INTEGER];
  frames.begin(100);
  for (const number of numbers) {
    frames.number(number);
    frames.text(" ");
  }
  frames.send();
  expect(pieces).toEqual([`${numbers.join(" ")} `]);
  expect(numbers.map(digitsOf)).toEqual(numbers.map((number) => String(number).length));
});
