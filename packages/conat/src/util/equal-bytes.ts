export function equalBytes(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === right) return true;
  if (left?.length !== right?.length || left === undefined || right === undefined) return false;
  return equalParts(left, 0, right, 0, left.length);
}

/** Whether so many bytes from one place on are those from the other on. */
export function equalParts(
  left: Uint8Array,
  leftStart: number,
  right: Uint8Array,
  rightStart: number,
  length: number,
): boolean {
  for (let at = 0; at < length; at += 1) {
    if (left[leftStart + at] !== right[rightStart + at]) return false;
  }
  return true;
}
