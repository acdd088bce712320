export const utf8 = new TextEncoder();

/** Keeps a byte order mark: it may be the first character of a name. */
export const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });
