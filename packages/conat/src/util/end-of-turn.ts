import { tell } from "./tell.ts";

let works: (() => void)[] = [];

/**
 * Runs `work` when this turn of the event loop is over: everything that one read of a socket has brought, or one timer
 * has set off, is dealt with then. All work of a turn runs without anything in between, in the order in which it was
 * given, so that what it sends to one peer can leave in one piece.
 */
export function atEndOfTurn(work: () => void): void {
  if (works.push(work) === 1) process.nextTick(runAll);
}

function runAll(): void {
  const due = works;
  works = [];
  for (const work of due) tell(work);
}
