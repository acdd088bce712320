import type { StoreInfo } from "../session/session.ts";
import { destroyScope } from "../stores/destroy-stores.ts";
import { notFound, usageError } from "./exit.ts";
import { printJson } from "./output.ts";
import type { Target } from "./target.ts";

/** Prints the stores of the scope. */
export async function stores(target: Target): Promise<void> {
  for (const store of await listStores(target)) printJson(store);
}

export interface DestroyOptions {
  /** Every store of the scope. */
  readonly all?: boolean;
  readonly yes?: boolean;
}

/** @throws CommandFailure when nobody has said that it is meant */
export function checkDestroy({ all, yes }: DestroyOptions, store: string | undefined): void {
  if (all === true && store !== undefined) throw usageError("say --store NAME or --all, not both");
  if (all !== true && store === undefined) {
    throw usageError("say which store: --store NAME, or --all for every store");
  }
  if (yes !== true)
    throw usageError("this removes all keys for everybody: say --yes if that is meant");
}

/** Removes every key of a store, or of all stores, and prints what they were. */
export async function destroy(target: Target, { all }: DestroyOptions): Promise<void> {
  const { client, scopeOptions } = target;
  if (all) {
    for (const store of await destroyScope({ client, ...scopeOptions })) printJson(store);
    return;
  }
  const ref = target.store();
  const known = await listStores(target);
  const store = known.find(
    ({ name, ephemeral }) => name === ref.name && ephemeral === ref.ephemeral,
  );
  if (store === undefined) {
    const kind = ref.ephemeral ? "ephemeral" : "persistent";
    throw notFound(`${target.place} has no ${kind} store ${JSON.stringify(ref.name)}`);
  }
  await client.session.destroyStore(ref);
  printJson(store);
}

function listStores({ client, scope }: Target): Promise<readonly StoreInfo[]> {
  return client.session.listStores(scope);
}
