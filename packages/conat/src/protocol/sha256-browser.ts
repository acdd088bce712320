import { ConatError } from "./conat-error.ts";
import type { sha256 as sha256InNode } from "./sha256-node.ts";

/** Stands in for a hash that only names of over 1,000 bytes on NATS need, and that only Node has synchronously. */
export const sha256: typeof sha256InNode = () => {
  throw new ConatError(
    "bad-name",
    "a name of over 1,000 bytes is hashed on NATS, which a browser does not do: ask a backend for its natsKey",
  );
};
