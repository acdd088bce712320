/** Size of a shared buffer, in bytes: what one part that stays can keep the others' memory from being freed. */
const SLAB_BYTES = 8_192;

let slab = new Uint8Array(SLAB_BYTES);
let used = 0;

/**
 * Where the next part of a shared buffer may be written: up to `most` bytes, which is at most 2,048. It is whoever's asks
 * next, but for what {@link keep} keeps. Short byte strings lie side by side in such buffers, because a buffer of its own
 * costs each of them more than all else that is done with it.
 */
export function roomFor(most: number): Uint8Array<ArrayBuffer> {
  if (used + most > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    used = 0;
  }
  return slab.subarray(used, used + most);
}

/** The first `length` bytes of the room that was asked for last. They stay as they are. */
export function keep(length: number): Uint8Array<ArrayBuffer> {
  const part = slab.subarray(used, used + length);
  used += length;
  return part;
}
