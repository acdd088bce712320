/** How long deliveries may keep the event loop from everything else, in milliseconds. */
const TURN_MS = 10;

/** When those of this turn of the event loop have had their time; 0 before the first one. */
let until = 0;
let isOver = false;

function begin(): void {
  until = 0;
  isOver = false;
}

/** A delivery is under way: those that it sets off count with it. */
export function noteDelivery(): void {
  if (until === 0) {
    until = performance.now() + TURN_MS;
    setImmediate(begin);
  } else if (!isOver) {
    isOver = performance.now() >= until;
  }
}

/**
 * Calls `deliver` before anything is written to the network: who listens here is told first. When who was told has long
 * been answering in the same turn, which might never end, it is called in the next one.
 */
export function deliverSoon(deliver: () => void): void {
  if (isOver) setImmediate(deliver);
  else process.nextTick(deliver);
}
