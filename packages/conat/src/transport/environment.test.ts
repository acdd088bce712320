import { afterEach, describe, expect, it, vi } from "vitest";
import { type DeviceEvent, hostEnvironment } from "./environment.ts";

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A page as far as a session looks at one: its window and its document, real event targets. */
function openPage(): { window: EventTarget; show(): void; hide(): void } {
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  vi.stubGlobal("addEventListener", window.addEventListener.bind(window));
  vi.stubGlobal("document", document);
  const become = (visibilityState: string) => (): void => {
    document.visibilityState = visibilityState;
    document.dispatchEvent(new Event("visibilitychange"));
  };
  return { window, show: become("visible"), hide: become("hidden") };
}

describe("the device of a page", () => {
  it("tells when it is offline, online, and when the page is seen again, but not when it is hidden", () => {
    const page = openPage();
    const told: DeviceEvent[] = [];
    const stop = hostEnvironment.watchDevice((event) => told.push(event));
    page.window.dispatchEvent(new Event("offline"));
    page.window.dispatchEvent(new Event("online"));
    page.hide();
    page.show();
    expect(told).toEqual(["offline", "online", "visible"]);
    stop();
    page.window.dispatchEvent(new Event("online"));
    page.show();
    expect(told).toHaveLength(3);
  });

  it("is not missed where there is none", () => {
    const stop = hostEnvironment.watchDevice(() => {
      throw new Error("nothing to tell");
    });
    stop();
  });
});
