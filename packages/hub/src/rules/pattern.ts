import { ConatError, type StoreRef } from "@conat/conat/internal";

/** What the variables of a pattern were bound to. */
export type Params = ReadonlyMap<string, string>;

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
  bindStore(ref: StoreRef, fieldOf: (name: string) => string | undefined): Params | undefined;
  bindKey(
    key: string,
    params: Params,
    fieldOf: (name: string) => string | undefined,
  ): Params | undefined;
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
    couldMatchStore: (ref) =>
      bind(storeParts, storeNames(ref), new Map(), undefined, false) !== undefined,
    bindStore: (ref, fieldOf) => bind(storeParts, storeNames(ref), new Map(), fieldOf, false),
    bindKey: (key, params, fieldOf) => bind(keyParts, key.split("/"), params, fieldOf, isOpen),
  };
}

function storeNames({ scope, name }: StoreRef): string[] {
  return scope.kind === "hub" ? ["hub", name] : [scope.kind, scope.id, name];
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

/** `fieldOf` undefined takes every field for granted. */
function bind(
  parts: readonly Part[],
  names: readonly string[],
  params: Params,
  fieldOf: ((name: string) => string | undefined) | undefined,
  isOpen: boolean,
): Params | undefined {
  if (isOpen ? names.length < parts.length : names.length !== parts.length) return undefined;
  let bound: Map<string, string> | undefined;
  let at = -1;
  for (const part of parts) {
    at += 1;
    const name = names[at] ?? "";
    if (part.type === "literal" && part.text !== name) return undefined;
    if (part.type === "field" && fieldOf && fieldOf(part.name) !== name) return undefined;
    if (part.type === "param") {
      const known = (bound ?? params).get(part.name);
      if (known !== undefined && known !== name) return undefined;
      bound ??= new Map(params);
      bound.set(part.name, name);
    }
  }
  return bound ?? params;
}
