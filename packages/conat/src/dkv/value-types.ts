/** Whether `T` is an object with properties of known names, as in `dkv<{ a: number; b: string }>()`. */
type IsShape<T> = T extends
  | readonly unknown[]
  | Date
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ArrayBufferView
  ? false
  : T extends object
    ? true
    : false;

/**
 * Type of the value under `Key` in a store of `T`. A key that names a property of `T` has that property's type;
 * any other key has `T` itself, so that `dkv<Todo>()` holds todos under ids. A store whose keys are not known in
 * advance and might clash with property names is `dkv<Record<string, Todo>>()`.
 */
export type ValueAt<T, Key extends string> =
  IsShape<T> extends true ? (Key extends keyof T ? T[Key] : T) : T;

/** Any value a store of `T` may hold. */
export type AnyValue<T> = string extends keyof T ? T[keyof T] : T;
