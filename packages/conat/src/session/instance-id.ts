const ID_BYTES = 16;

/** A random id that names one session towards every hub it meets: 32 hexadecimal digits. */
export function createInstanceId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
