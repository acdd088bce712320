/**
 * A value as one line of JSON for people and programs to read. What JSON cannot carry is an object with one property
 * that names it: `{"$date": …}`, `{"$bytes": base64}`, `{"$bigint": …}`, `{"$number": "NaN"}`, `{"$map": [[…]]}`,
 * `{"$set": […]}`. These are for reading: written back they are plain objects.
 */
export function toJsonText(value: unknown): string {
  return JSON.stringify(toJson(value));
}

function toJson(value: unknown): unknown {
  if (typeof value === "bigint") return { $bigint: String(value) };
  if (Object.is(value, -0)) return { $number: "-0" };
  if (typeof value === "number" && !Number.isFinite(value)) return { $number: String(value) };
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? null : value };
  if (value instanceof Map) return { $map: Array.from(value, (pair) => pair.map(toJson)) };
  if (value instanceof Set) return { $set: Array.from(value, toJson) };
  const bytes = bytesOf(value);
  if (bytes !== undefined) return { $bytes: bytes.toString("base64") };
  const plain: Record<string, unknown> = Object.create(null);
  for (const [name, part] of Object.entries(value)) plain[name] = toJson(part);
  return plain;
}

function bytesOf(value: object): Buffer | undefined {
  if (value instanceof ArrayBuffer) return Buffer.from(value);
  if (!ArrayBuffer.isView(value)) return undefined;
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
