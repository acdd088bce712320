/** Shows an error that no mounted component is left to show, the way the platform shows uncaught ones. */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
