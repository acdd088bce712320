import { describe, expect, it } from "vitest";
import { ChangeNotifier } from "./change-notifier.ts";

describe("a change notifier", () => {
  it("keeps subscriptions of the same listener apart", () => {
    const notifier = new ChangeNotifier();
    let calls = 0;
    const listener = (): void => {
      calls += 1;
    };
    const stops = [notifier.subscribe(listener), notifier.subscribeKey("k", listener)];
    notifier.subscribe(listener);
    notifier.subscribeKey("k", listener);
    for (const stop of stops) stop();
    notifier.mark("k");
    expect(calls).toBe(2);
  });
});
