import type { EventFrame } from "./event-frame.ts";

/**
 * The frame that was made last, and what of: all who hear of something ask for its frame one after the other, so that
 * one is enough. It is forgotten when that is over.
 */
export class LastFrame<Source extends object> {
  #source: Source | undefined;
  #frame: EventFrame | undefined;

  of(source: Source): EventFrame | undefined {
    return this.#source === source ? this.#frame : undefined;
  }

  keep(source: Source, frame: EventFrame): EventFrame {
    if (this.#source === undefined) process.nextTick(this.#forget);
    this.#source = source;
    this.#frame = frame;
    return frame;
  }

  readonly #forget = (): void => {
    this.#source = undefined;
    this.#frame = undefined;
  };
}
