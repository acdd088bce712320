import { ConatError } from "../protocol/conat-error.ts";
import type { openDirect as openDirectInNode } from "./direct-node.ts";

/** Browsers never talk to NATS; this stands in for the module that does, which no browser bundle holds. */
export const openDirect: typeof openDirectInNode = () => {
  throw new ConatError(
    "bad-address",
    "only Node reaches NATS itself: connect to the http(s) address of a hub",
  );
};
