import { parseScope } from "../protocol/scope.ts";
import type { StoreInfo } from "../session/session.ts";
import { readySession, type StoresOptions } from "./stores-options.ts";

/**
 * The stores of an account or project that have a key, persistent and ephemeral ones, by name. A store whose keys were
 * all deleted is not among them: stores are not created, they just have keys.
 * @throws ConatError `forbidden` for who may not read the scope, `bad-options`, `bad-name`, `timeout`
 */
export async function listStores(options: StoresOptions): Promise<readonly StoreInfo[]> {
  const scope = parseScope(options);
  const session = await readySession(options);
  return session.listStores(scope);
}
