import { tell } from "./tell.ts";

let works: (() => void)[] = [];

/**
 * Runs `work` once everything that the event loop has found ready now is dealt with. All work of a turn runs without
 * anything in between, in the order in which it was given, so that what it sends to one peer can leave in one piece.
 */
export function atEndOfTurn(work: () => void): void {
  if (works.push(work) === 1) setImmediate(runAll);
}

function runAll(): void {
  const due = works;
  works = [];
  for (const work of due) tell(work);
}
