/** Calls `send` with the first value at once, and then with the newest at most every `waitMs`; the last is never lost. */
export function createThrottle<T>(
  waitMs: number,
  send: (value: T) => void,
  onLateError: (error: unknown) => void,
): (value: T) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waiting: { readonly value: T } | undefined;

  const sendAndWait = (value: T): void => {
    send(value);
    timer = setTimeout(() => {
      timer = undefined;
      if (waiting === undefined) return;
      const next = waiting.value;
      waiting = undefined;
      try {
        sendAndWait(next);
      } catch (error) {
        onLateError(error);
      }
    }, waitMs);
  };

  return (value) => {
    if (waitMs <= 0) send(value);
    else if (timer === undefined) sendAndWait(value);
    else waiting = { value };
  };
}
