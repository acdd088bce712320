import { ConatError, type StoreRef } from "@conat/conat/internal";

/** What the variables of a pattern were bound to, in the form that rules see. It inherits no name. */
export type Params = Readonly<Record<string, string>>;

/** What a field of the identity says. */
type FieldOf = (name: string) => string | undefined;

type Part =
  | { readonly type: "literal"; readonly text: string }
  | { readonly type: "any" }
  | { readonly type: "param"; readonly name: string }
  /** Must be what the identity's field says. */
  | { readonly type: "field"; readonly name: string };

/**
 * Which keys of which stores: `<scope kind>/<scope id>/<store>/<key>`, for the hub's scope `hub/<store>/<key>`. A part is
 * a name (with `%2F` for a slash), `*` for anything, `:name` for anything that a condition wants to know, or `$field` for
 * what that field of the identity says. A key may have further slashes, and so may its pattern; `**` at the end stands
 * for whatever follows.
 */
export interface Pattern {
  readonly text: string;
  /** The names of identity fields it depends on. */
  readonly fields: readonly string[];
  /** The names that a store is enough to bind. */
  readonly storeParams: readonly string[];
  /** Every key of the store matches. */
  readonly matchesAllKeys: boolean;
  /** Whether the store can be meant, whoever asks. */
  couldMatchStore(ref: StoreRef): boolean;
  bindStore(ref: StoreRef, fieldOf: FieldOf): Params | undefined;
  bindKey(key: string, params: Params, fieldOf: FieldOf): Params | undefined;
}

/** @throws ConatError `bad-options` */
export function parsePattern(text: string): Pattern {
  const pieces = text.split("/");
  const [kind] = pieces;
  const storeLength = kind === "hub" ? 2 : 3;
  const isKind = kind === "hub" || kind === "account" || kind === "project";
  if (!isKind || pieces.length <= storeLength) {
    throw new ConatError(
      "bad-options",
      `a rule's path must be like project/<id>/<store>/<key> or hub/<store>/<key>, not ${JSON.stringify(text)}`,
    );
  }
  const isOpen = pieces.at(-1) === "**";
  const storeParts = pieces.slice(0, storeLength).map((piece) => parsePart(piece, text));
  const keyParts = pieces
    .slice(storeLength, isOpen ? -1 : undefined)
    .map((piece) => parsePart(piece, text));
  const fields = [...storeParts, ...keyParts].flatMap((part) =>
    part.type === "field" ? [part.name] : [],
  );
  return {
    text,
    fields,
    storeParams: storeParts.flatMap((part) => (part.type === "param" ? [part.name] : [])),
    matchesAllKeys: isOpen && keyParts.length === 0,
    couldMatchStore: (ref) => bindStore(storeParts, ref, undefined) !== undefined,
    bindStore: (ref, fieldOf) => bindStore(storeParts, ref, fieldOf),
    bindKey: (key, params, fieldOf) => bindKey(keyParts, isOpen, key, params, fieldOf),
  };
}

function parsePart(piece: string, text: string): Part {
  if (piece === "*") return { type: "any" };
  const name = piece.slice(1);
  if (/^[:$]/.test(piece)) {
    if (!/^\w+$/.test(name)) throw bad(piece, text);
    return { type: piece.startsWith(":") ? "param" : "field", name };
  }
  if (piece.includes("*")) throw bad(piece, text);
  try {
    return { type: "literal", text: decodeURIComponent(piece) };
  } catch {
    throw bad(piece, text);
  }
}

function bad(piece: string, text: string): ConatError {
  return new ConatError(
    "bad-options",
    `${JSON.stringify(piece)} in the path ${JSON.stringify(text)} is no name, *, :name or $field`,
  );
}

/** Params inherit from this, which has no names: objects without a prototype are slower to read. */
const NO_PARAMS: Params = Object.freeze(Object.create(null));

/** `fieldOf` undefined takes every field for granted. */
function bindStore(
  parts: readonly Part[],
  { scope, name }: StoreRef,
  fieldOf: FieldOf | undefined,
): Params | undefined {
  const names = scope.kind === "hub" ? ["hub", name] : [scope.kind, scope.id, name];
  if (names.length !== parts.length) return undefined;
  let params: Params | undefined = NO_PARAMS;
  for (const [at, part] of parts.entries()) {
    params = bindPart(part, names[at] ?? "", params, fieldOf);
    if (params === undefined) return undefined;
  }
  // Rules for many keys get to see the same ones.
  return Object.freeze(params);
}

/** Done for each key that is written: looks no further than it has to, and makes nothing that nobody sees. */
function bindKey(
  parts: readonly Part[],
  isOpen: boolean,
  key: string,
  storeParams: Params,
  fieldOf: FieldOf,
): Params | undefined {
  let params: Params | undefined = storeParams;
  let from = 0;
  for (const part of parts) {
    if (from > key.length) return undefined;
    const slash = key.indexOf("/", from);
    const to = slash < 0 ? key.length : slash;
    params = bindPart(part, key.slice(from, to), params, fieldOf);
    if (params === undefined) return undefined;
    from = to + 1;
  }
  // The last name ends where the key does.
  return isOpen || from > key.length ? params : undefined;
}

/** The params with what this part binds; `undefined` where the name is not what it must be. */
function bindPart(
  part: Part,
  name: string,
  params: Params,
  fieldOf: FieldOf | undefined,
): Params | undefined {
  switch (part.type) {
    case "literal":
      return part.text === name ? params : undefined;
    case "any":
      return params;
    case "field":
      return fieldOf === undefined || fieldOf(part.name) === name ? params : undefined;
    case "param": {
      const known = params[part.name];
      if (known !== undefined) return known === name ? params : undefined;
      const bound: Record<string, string> = Object.create(NO_PARAMS);
      for (const other in params) bound[other] = params[other] ?? "";
      bound[part.name] = name;
      return bound;
    }
  }
}
