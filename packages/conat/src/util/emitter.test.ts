import { describe, expect, it } from "vitest";
import { Emitter } from "./emitter.ts";

describe("an emitter", () => {
  it("counts a listener that is given twice as two, each with an end of its own", () => {
    const emitter = new Emitter<{ tick: [] }>();
    let calls = 0;
    const listener = (): void => {
      calls += 1;
    };
    const stop = emitter.on("tick", listener);
    emitter.on("tick", listener);
    stop();
    stop();
    emitter.emit("tick");
    expect(calls).toBe(1);
    emitter.off("tick", listener);
    emitter.emit("tick");
    expect(calls).toBe(1);
  });

  it("takes off a listener that was to be called once", () => {
    const emitter = new Emitter<{ tick: [] }>();
    let calls = 0;
    const listener = (): void => {
      calls += 1;
    };
    emitter.once("tick", listener);
    emitter.off("tick", listener);
    emitter.emit("tick");
    expect(calls).toBe(0);
    emitter.once("tick", listener);
    emitter.emit("tick");
    emitter.emit("tick");
    expect(calls).toBe(1);
  });

  it("calls a listener that was to be called once for the first of two events, the inner one", () => {
    const emitter = new Emitter<{ tick: [number] }>();
    const heard: number[] = [];
    emitter.on("tick", (depth) => {
      if (depth === 0) emitter.emit("tick", 1);
    });
    emitter.once("tick", (depth) => heard.push(depth));
    emitter.emit("tick", 0);
    expect(heard).toEqual([1]);
  });

  it("tells an event to those who listened when it happened", () => {
    const emitter = new Emitter<{ tick: [] }>();
    const heard: string[] = [];
    const stop = emitter.on("tick", () => {
      heard.push("first");
      stop();
      emitter.on("tick", () => heard.push("late"));
    });
    emitter.on("tick", () => heard.push("second"));
    emitter.emit("tick");
    expect(heard).toEqual(["first", "second"]);
    emitter.emit("tick");
    expect(heard).toEqual(["first", "second", "second", "late"]);
  });
});
