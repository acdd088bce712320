/** The account that has all data; hubs and trusted backends are in it. */
export const DATA_ACCOUNT = "CONAT";
/** The account of projects' own backends: it has no JetStream, imports nothing, and nothing is exported to it. */
export const BACKENDS_ACCOUNT = "CONAT_BACKENDS";

/** A backend listens to one subject, a hub to three. */
const MAX_SUBSCRIPTIONS = 8;
/** Twice what a tunnel puts into one message. */
const MAX_PAYLOAD_BYTES = 131_072;

/** The public keys that a server has to know, all of one deployment's hubs. */
export type AccountKeys = {
  /** User (`U…`) of hubs and trusted backends, in the account that has the data. */
  readonly hub: string;
  /** User (`U…`) of hubs in the account of projects' backends. */
  readonly gate: string;
  /** Account key (`A…`) that hubs sign with whom they let in there. */
  readonly issuer: string;
};

/**
 * The part of a nats-server's configuration that keeps projects' own backends away from the data: they are in another
 * account, where they meet nobody but hubs, and a hub is asked about each of them (auth callout, NATS ADR-26).
 */
export function formatAccounts({ hub, gate, issuer }: AccountKeys): string[] {
  return [
    "accounts {",
    `  ${DATA_ACCOUNT} {`,
    "    jetstream: enabled",
    `    users: [ { nkey: "${hub}" } ]`,
    "  }",
    `  ${BACKENDS_ACCOUNT} {`,
    `    users: [ { nkey: "${gate}" } ]`,
    // Of each connection. What a hub says of a client sets no limits.
    `    limits { max_subs: ${MAX_SUBSCRIPTIONS}, max_payload: ${MAX_PAYLOAD_BYTES} }`,
    "  }",
    "}",
    "authorization {",
    "  auth_callout {",
    `    issuer: "${issuer}"`,
    `    account: ${BACKENDS_ACCOUNT}`,
    `    auth_users: [ "${hub}", "${gate}" ]`,
    "  }",
    "}",
  ];
}
