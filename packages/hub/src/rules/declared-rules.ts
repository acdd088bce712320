import { ConatError } from "@conat/conat/internal";
import * as v from "valibot";
import { allow, type Condition, type Rule, type RuleContext } from "./rule.ts";

const access = v.picklist(["read", "write"]);
const fileSchema = v.strictObject({
  rules: v.array(
    v.strictObject({
      allow: v.union([access, v.array(access)]),
      path: v.string(),
      if: v.optional(v.unknown()),
    }),
  ),
});

/** Computes a value of a context; a promise where another key has to be read. */
type Term = (context: RuleContext) => unknown;

interface Compiled {
  readonly term: Term;
  /** Another key may have to be read. */
  readonly mayWait: boolean;
  readonly fields: readonly string[];
  /** Names of `$params` that it looks at; `undefined` when it looks at a key or a value. */
  readonly params: readonly string[] | undefined;
}

/** What a term depends on that looks at nothing, and one that looks at a key or a value. */
const NOTHING = { mayWait: false, fields: [], params: [] } as const;
const AN_ENTRY = { mayWait: false, fields: [], params: undefined } as const;

const MAX_DEPTH = 20;

/**
 * Rules from a file: `{ "rules": [{ "allow": "write", "path": "project/…", "if": ["==", "$value.owner", "$identity.account_id"] }] }`.
 * A condition is an operator and its terms: `==`, `!=`, `<`, `<=`, `>`, `>=`, `in` (is in a list), `and`, `or`, `not`,
 * `exists`, `get` (store, key: another key's value), `at` (a value, a path into it), `list`. A term is a condition, a plain JSON value, or a reference: `$key`,
 * `$identity.<field>`, `$params.<name>`, `$value` and `$prev`, both with any further path. `["literal", x]` is x itself.
 * @throws ConatError `bad-options`
 */
export function parseRules(file: unknown): Rule[] {
  const parsed = v.safeParse(fileSchema, file);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const where = v.getDotPath(issue) ?? "the file";
    throw new ConatError("bad-options", `the rules are not understood: ${where}: ${issue.message}`);
  }
  return parsed.output.rules.map((rule) => {
    if (rule.if === undefined) return allow(rule.allow, rule.path);
    const { term, fields, params } = compile(rule.if, 0);
    const condition: Condition = (context) => {
      const answer = term(context);
      return answer instanceof Promise ? answer.then((one) => one === true) : answer === true;
    };
    const allowed = allow(rule.allow, rule.path, condition, { fields });
    const { storeParams } = allowed.pattern;
    const isOfStore = params?.every((name) => storeParams.includes(name)) ?? false;
    return { ...allowed, isOfStore };
  });
}

function compile(source: unknown, depth: number): Compiled {
  if (depth > MAX_DEPTH) throw bad("a condition is nested too deep");
  if (typeof source === "string" && source.startsWith("$")) return reference(source);
  if (!Array.isArray(source)) return { term: () => source, ...NOTHING };
  const [operator, ...rest]: unknown[] = source;
  if (operator === "literal" && rest.length === 1) return { term: () => rest[0], ...NOTHING };
  const known = typeof operator === "string" ? OPERATORS.get(operator) : undefined;
  if (known === undefined) throw bad(`${JSON.stringify(operator)} is no operator`);
  const [least, most, apply] = known;
  if (rest.length < least || rest.length > most) {
    throw bad(`${JSON.stringify(operator)} does not take ${rest.length} terms`);
  }
  const compiled = rest.map((one) => compile(one, depth + 1));
  return {
    fields: compiled.flatMap(({ fields }) => fields),
    params: operator === "get" ? undefined : joined(compiled.map(({ params }) => params)),
    mayWait: operator === "get" || compiled.some(({ mayWait }) => mayWait),
    term: toTerm(operator, apply, compiled),
  };
}

/** Each kind of term costs no more than it has to: rules are asked about every write. */
function toTerm(
  operator: unknown,
  apply: Operator[2],
  compiled: readonly Compiled[],
): Compiled["term"] {
  const terms = compiled.map(({ term }) => term);
  if (operator === "and" || operator === "or") {
    const decisive = operator === "or";
    return (context) => shortCut(decisive, terms, 0, context);
  }
  const mayWait = compiled.some((one) => one.mayWait);
  const [first, second] = terms;
  if (!mayWait && terms.length === 2 && first && second) {
    return (context) => apply([first(context), second(context)], context);
  }
  return (context) => {
    const values = terms.map((term) => term(context));
    return mayWait && values.some(isPromise)
      ? Promise.all(values).then((ready) => apply(ready, context))
      : apply(values, context);
  };
}

function joined(params: readonly Compiled["params"][]): Compiled["params"] {
  const names: string[] = [];
  for (const some of params) {
    if (some === undefined) return undefined;
    names.push(...some);
  }
  return names;
}

function isPromise(value: unknown): boolean {
  return value instanceof Promise;
}

/** The first term that decides, without looking at those after it. */
function shortCut(
  decisive: boolean,
  terms: readonly Term[],
  from: number,
  context: RuleContext,
): unknown {
  for (let at = from; at < terms.length; at += 1) {
    const value = terms[at]?.(context);
    if (value instanceof Promise) {
      return value.then((ready) =>
        (ready === true) === decisive ? decisive : shortCut(decisive, terms, at + 1, context),
      );
    }
    if ((value === true) === decisive) return decisive;
  }
  return !decisive;
}

type Operator = readonly [
  least: number,
  most: number,
  apply: (values: readonly unknown[], context: RuleContext) => unknown,
];

const MANY = Number.POSITIVE_INFINITY;
const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ["==", [2, 2, ([a, b]) => equal(a, b)]],
  ["!=", [2, 2, ([a, b]) => !equal(a, b)]],
  ["<", [2, 2, ([a, b]) => compare(a, b, (order) => order < 0)]],
  ["<=", [2, 2, ([a, b]) => compare(a, b, (order) => order <= 0)]],
  [">", [2, 2, ([a, b]) => compare(a, b, (order) => order > 0)]],
  [">=", [2, 2, ([a, b]) => compare(a, b, (order) => order >= 0)]],
  ["in", [2, 2, ([one, list]) => Array.isArray(list) && list.some((other) => equal(one, other))]],
  ["and", [1, MANY, () => undefined]],
  ["or", [1, MANY, () => undefined]],
  ["not", [1, 1, ([one]) => one !== true]],
  ["exists", [1, 1, ([one]) => one !== undefined]],
  ["list", [0, MANY, (values) => values]],
  [
    "get",
    [
      2,
      2,
      ([store, key], context) => {
        if (typeof store !== "string" || typeof key !== "string") return undefined;
        return context.get(store, key);
      },
    ],
  ],
  ["at", [2, MANY, ([value, ...path]) => path.reduce(step, value)]],
]);

/** What is not there equals nothing, itself included: a missing field must not open a door. */
function equal(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return false;
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object") return false;
  try {
    return JSON.stringify(a) === JSON.stringify(b);
  } catch {
    return false;
  }
}

function compare(a: unknown, b: unknown, holds: (order: number) => boolean): boolean {
  if (typeof a === "number" && typeof b === "number") return holds(a - b);
  if (typeof a === "string" && typeof b === "string") return holds(a < b ? -1 : a > b ? 1 : 0);
  return false;
}

function step(value: unknown, name: unknown): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const key = String(name);
  return Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}

function reference(text: string): Compiled {
  const [root = "", ...path] = text.slice(1).split(".");
  const [name = ""] = path;
  switch (root) {
    case "key":
      if (path.length === 0) return { term: ({ key }) => key, ...AN_ENTRY };
      break;
    case "identity":
      if (path.length === 1)
        return { ...NOTHING, term: ({ identity }) => step(identity, name), fields: [name] };
      break;
    case "params":
      if (path.length === 1)
        return { ...NOTHING, term: ({ params }) => step(params, name), params: [name] };
      break;
    case "value":
      return { term: (context) => path.reduce(step, context.value), ...AN_ENTRY };
    case "prev":
      return { term: (context) => path.reduce(step, context.prev), ...AN_ENTRY };
  }
  throw bad(
    `${JSON.stringify(text)} refers to nothing; a text that begins with $ is ["literal", "$…"]`,
  );
}

function bad(what: string): ConatError {
  return new ConatError("bad-options", `the rules are not understood: ${what}`);
}
