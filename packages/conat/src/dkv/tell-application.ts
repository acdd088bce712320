import type { ConatError } from "../protocol/conat-error.ts";
import { valueBytes } from "../protocol/entry.ts";
import type { Emitter } from "../util/emitter.ts";
import type { ConfirmedChange } from "./dkv-effects.ts";
import type { DkvEvents } from "./dkv-events.ts";
import type { RunnerListener } from "./dkv-runner.ts";
import type { VisibleValues } from "./visible-values.ts";

export interface Telling<Value> {
  readonly emitter: Emitter<DkvEvents<Value>>;
  /** What the application reads values by, too; one that is told in an event is the same object. */
  readonly values: VisibleValues;
  readonly onClosed: (error: ConatError) => void;
}

/** Turns what the runner tells in encoded form into the events of a store. Decodes only what somebody listens to. */
export function createTeller<Value>(options: Telling<Value>): RunnerListener {
  const { emitter, values } = options;
  // What somebody else has stored need not be a value at all.
  const decoded = (bytes: Uint8Array | undefined): Value | undefined =>
    bytes && (values.decode(bytes) as Value | undefined);

  const tellChange = ({ entry, prev: before, own, pending, holder }: ConfirmedChange): void => {
    const wanted = emitter.listenerCount("change") > 0;
    if (!wanted && emitter.listenerCount("invalid") === 0) {
      // What was read of a key that is gone must not be kept because nobody listens.
      if (entry.kind !== "put" && !pending) values.show(holder, entry);
      return;
    }
    const { key, seq, time, kind } = entry;
    // Before the entry takes its place: until then it need not be decoded again.
    const prev = wanted && before ? values.read(holder, before).value : undefined;
    // What lies under a local write is not what `get` shows, so it must not take that value's place.
    const { value, error } = pending ? values.read(holder, entry) : values.show(holder, entry);
    if (error) emitter.emit("invalid", { key, raw: new Uint8Array(valueBytes(entry)), error });
    if (!wanted) return;
    const [now, then] = [value as Value | undefined, prev as Value | undefined];
    emitter.emit("change", { key, value: now, prev: then, seq, time, own, pending, kind });
  };

  return {
    onChange: tellChange,
    onMerged: ({ key, prev, local, remote, result }) => {
      if (emitter.listenerCount("conflict") === 0) return;
      const theirs = remote.kind === "put" ? decoded(valueBytes(remote)) : undefined;
      const ours = { prev: decoded(prev), local: decoded(local), result: decoded(result) };
      emitter.emit("conflict", { key, ...ours, remote: theirs });
    },
    onFailed: ({ id, key, value }, error) => {
      emitter.emit("reject", { id, key, value: decoded(value), error });
    },
    onLost: ({ key, value, seq }) => {
      emitter.emit("lost", { key, value: decoded(value), seq });
    },
    onWrites: () => emitter.emit("writes"),
    onStable: () => emitter.emit("stable"),
    onStatus: (status) => emitter.emit("status", status),
    onError: (error) => emitter.emit("error", error),
    onClosed: options.onClosed,
  };
}
