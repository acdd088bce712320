export const utf8 = new TextEncoder();

/** Keeps a byte order mark: it may be the first character of a name. */
export const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Whether a text, in ASCII, stands at a place: for names that come again and again, cheaper than decoding them. */
export function isAsciiAt(text: string, bytes: Uint8Array, start: number): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (bytes[start + at] !== text.charCodeAt(at)) return false;
  }
  return true;
}
