/** What the device tells about its network and its screen. */
export type DeviceEvent = "online" | "offline" | "visible";

/** Everything a session takes from the machine it runs on, replaceable as a whole. */
export interface Environment {
  /** The local clock, in milliseconds since the epoch; it may be wrong and it may jump. */
  now(): number;
  /** A clock that never goes back, in milliseconds from any start; it may stand still while the device sleeps. */
  elapsed(): number;
  /** A number in [0, 1). */
  random(): number;
  /** Calls `callback` once after `delayMs`. Returns the function that prevents it. */
  startTimer(callback: () => void, delayMs: number): () => void;
  /** Calls `listener` on every {@link DeviceEvent}. Returns the function that stops it. */
  watchDevice(listener: (event: DeviceEvent) => void): () => void;
}

/** The browser or Node process this runs in. Node tells nothing about its network. */
export const hostEnvironment: Environment = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  random: () => Math.random(),
  startTimer(callback, delayMs) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  watchDevice(listener) {
    const stop = new AbortController();
    const { signal } = stop;
    if (typeof addEventListener === "function") {
      addEventListener("online", () => listener("online"), { signal });
      addEventListener("offline", () => listener("offline"), { signal });
    }
    if (typeof document === "object") {
      document.addEventListener(
        "visibilitychange",
        () => {
          if (document.visibilityState === "visible") listener("visible");
        },
        { signal },
      );
    }
    return () => stop.abort();
  },
};
