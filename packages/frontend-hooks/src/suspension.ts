/** Longest time that something is kept open for a component that is not there yet, in milliseconds. */
const MAX_SUSPENDED_MS = 30_000;

/** Time for the component to be mounted once there is something to show, at least, in milliseconds. */
const MIN_MOUNT_MS = 1_000;

/**
 * Settles when `opened` does, whatever came of it. A component that suspends until then is not mounted and may never
 * be, so that it cannot let go: that happens a grace period later, or when it has taken too long.
 */
export function holdWhile(
  opened: Promise<unknown>,
  release: () => void,
  graceMs: number,
): Promise<void> {
  const deadline = setTimeout(release, MAX_SUSPENDED_MS);
  const settled = (): void => {
    clearTimeout(deadline);
    setTimeout(release, Math.max(graceMs, MIN_MOUNT_MS));
  };
  return opened.then(settled, settled);
}
