/** 20 random letters and digits; `crypto.randomUUID` is missing in pages that were not loaded securely. */
export function createId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(20));
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join("");
}
