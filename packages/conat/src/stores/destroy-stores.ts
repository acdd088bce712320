import { parseName, parseScope } from "../protocol/scope.ts";
import type { StoreInfo } from "../session/session.ts";
import { readySession, type StoreOptions, type StoresOptions } from "./stores-options.ts";

/**
 * Removes every key of a store, for everybody. Whoever has it open gets a `change` with `kind: "floor"` and no value for
 * each key; whoever is away gets it when coming back. Resolves when the server has removed everything. The store can be
 * written to at once: what is stored later stays, a write that was pending meanwhile included.
 * @throws ConatError `forbidden` for who may not: through a hub it takes the right of an owner; `ambiguous` or `timeout`
 * when it is perhaps done: do it again; `bad-options`, `bad-name`, `unavailable`
 */
export async function destroyStore(options: StoreOptions): Promise<void> {
  const ref = {
    scope: parseScope(options),
    name: parseName("name", options.name),
    ephemeral: options.ephemeral ?? false,
    service: parseName("service", options.service ?? ""),
  };
  const session = await readySession(options);
  await session.destroyStore(ref);
}

/**
 * Destroys every store that an account or project has now, persistent and ephemeral ones: see {@link destroyStore}.
 * Gives what was destroyed. When it fails, some may be destroyed and the rest is untouched.
 * @throws ConatError as {@link destroyStore} and `listStores` do
 */
export async function destroyScope(options: StoresOptions): Promise<readonly StoreInfo[]> {
  const scope = parseScope(options);
  const session = await readySession(options);
  const stores = await session.listStores(scope);
  for (const { name, ephemeral } of stores) {
    await session.destroyStore({ scope, name, ephemeral, service: "" });
  }
  return stores;
}
