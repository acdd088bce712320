import { ConatError, MAX_MUTATIONS, natural } from "@conat/conat/internal";
import * as v from "valibot";
import type { Tally } from "../observability/tally.ts";
import type { Outbox } from "./outbox.ts";

/**
 * Answers a message that is not handled, with `error`, by whatever id can be read from it. What has no id to answer to
 * is counted.
 */
export function refuseMessage(
  event: string,
  [id, second]: readonly unknown[],
  { kind, message }: ConatError,
  { outbox, tally }: { readonly outbox: Outbox; readonly tally: Tally },
): void {
  const answer = (asked: unknown, tell: (id: number) => void): void => {
    if (!v.is(natural, asked)) {
      tally.countIgnored("bad-message");
      return;
    }
    tally.countRefused(kind);
    tell(asked);
  };
  switch (event) {
    case "open":
      answer(id, (feed) => outbox.send("closed", feed, kind, message));
      break;
    case "write":
      for (const mutation of Array.isArray(second) ? second.slice(0, MAX_MUTATIONS) : [undefined]) {
        const write: unknown = Array.isArray(mutation) ? mutation[0] : undefined;
        answer(write, (known) => outbox.send("nack", known, kind, message, null));
      }
      break;
    case "read":
      answer(id, (request) => outbox.send("entry", request, null, [kind, message]));
      break;
    case "list":
      answer(id, (request) => outbox.send("stores", request, [], 0, [kind, message]));
      break;
    case "destroy":
      answer(id, (request) => outbox.send("destroyed", request, [kind, message]));
      break;
    case "sub":
      answer(id, (subscription) => outbox.send("unsubscribed", subscription, kind, message));
      break;
    default:
      // A message that is fire and forget, or one that names nothing.
      if (kind === "bad-request") tally.countIgnored("bad-message");
      else tally.countRefused(kind);
  }
}

export function malformed(): ConatError {
  return new ConatError(
    "bad-request",
    "the message does not have the form that PROTOCOL.md gives for it",
  );
}
