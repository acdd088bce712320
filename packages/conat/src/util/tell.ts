import { reportUncaught } from "./emitter.ts";

/** Calls a listener. One that throws is an error of the application: it is reported, and the caller goes on. */
export function tell<Args extends unknown[]>(
  listener: (...args: Args) => void,
  ...args: Args
): void {
  try {
    listener(...args);
  } catch (error) {
    reportUncaught(error);
  }
}
