import { ConatError } from "@conat/conat/internal";
import { LRUCache } from "lru-cache";
import type { Tally } from "../observability/tally.ts";
import { TokenBucket } from "../token-bucket.ts";
import type { GatewayLimits } from "./limits.ts";

/** Principals and addresses without a connection whose recent use is remembered, so that reconnecting resets nothing. */
const MAX_RESTING = 20_000;

/** What may be sent. */
interface Traffic {
  readonly messages: TokenBucket;
  readonly bytes: TokenBucket;
}

/** What one principal or address uses. */
interface Usage extends Traffic {
  readonly name: string;
  readonly handshakes: TokenBucket;
  connections: number;
  /** Connections that have not said who they are. */
  waiting: number;
  openStores: number;
  subscriptions: number;
}

interface Rates {
  readonly messages: number;
  readonly bytes: number;
  readonly handshakes: number;
}

/** Usage by name: as long as somebody is connected, and for a while after. */
class Ledger {
  readonly #inUse = new Map<string, Usage>();
  readonly #resting = new LRUCache<string, Usage>({ max: MAX_RESTING });
  readonly #rates: Rates;

  constructor(rates: Rates) {
    this.#rates = rates;
  }

  of(name: string): Usage {
    const known = this.#inUse.get(name) ?? this.#resting.get(name);
    if (known) return known;
    const usage = createUsage(name, this.#rates);
    this.#resting.set(name, usage);
    return usage;
  }

  enter(name: string): Usage {
    const usage = this.of(name);
    usage.connections += 1;
    this.#resting.delete(name);
    this.#inUse.set(name, usage);
    return usage;
  }

  leave(usage: Usage): void {
    usage.connections -= 1;
    if (usage.connections > 0) return;
    this.#inUse.delete(usage.name);
    this.#resting.set(usage.name, usage);
  }
}

/** What all connections use together, by connection, principal and network address. */
export class Quotas {
  readonly #limits: GatewayLimits;
  readonly #tally: Tally;
  readonly #principals: Ledger;
  readonly #addresses: Ledger;
  #connections = 0;
  #waiting = 0;

  constructor(limits: GatewayLimits, tally: Tally) {
    this.#limits = limits;
    this.#tally = tally;
    this.#principals = new Ledger({
      messages: limits.maxIdentityMessageRate,
      bytes: limits.maxIdentityByteRate,
      handshakes: 0,
    });
    this.#addresses = new Ledger({
      messages: limits.maxAddressMessageRate,
      bytes: limits.maxAddressByteRate,
      handshakes: limits.maxAddressHandshakeRate,
    });
  }

  /**
   * Counts a connection that has not said who it is, until the function that comes back is called.
   * @throws ConatError `unavailable`
   */
  wait(address: string): () => void {
    const { maxWaiting, maxAddressWaiting } = this.#limits;
    const usage = this.#addresses.of(address);
    if (usage.waiting >= maxAddressWaiting) {
      throw this.over(
        "address-waiting",
        `more than ${maxAddressWaiting} connections from one address have not said who they are`,
      );
    }
    if (this.#waiting >= maxWaiting) {
      throw this.over("waiting", "too many connections have not said who they are: try again");
    }
    usage.waiting += 1;
    this.#waiting += 1;
    let isWaiting = true;
    return () => {
      if (!isWaiting) return;
      isWaiting = false;
      usage.waiting -= 1;
      this.#waiting -= 1;
    };
  }

  /**
   * Counts one attempt to come in. Before anybody knows who it is, so that guessing tokens is slow.
   * @throws ConatError `unavailable`: a client comes again by itself
   */
  checkHandshake(address: string): void {
    const { maxAddressConnections, maxConnections, maxAddressHandshakeRate } = this.#limits;
    const usage = this.#addresses.of(address);
    if (!usage.handshakes.isOpen(performance.now())) {
      throw this.over(
        "address-handshakes",
        `more than ${maxAddressHandshakeRate} attempts to connect per second from one address: try again later`,
      );
    }
    usage.handshakes.spend(1);
    if (usage.connections >= maxAddressConnections) {
      throw this.over(
        "address-connections",
        `more than ${maxAddressConnections} connections from one address: close one first`,
      );
    }
    if (this.#connections >= maxConnections) {
      throw this.over("connections", "this hub has all the connections it takes: try another one");
    }
  }

  /** @throws ConatError `unavailable` when the principal has all the connections it may have */
  checkPrincipal(principal: string): void {
    const { maxIdentityConnections } = this.#limits;
    if (this.#principals.of(principal).connections < maxIdentityConnections) return;
    throw this.over(
      "identity-connections",
      `more than ${maxIdentityConnections} connections of one account or project: close one first`,
    );
  }

  /** A connection comes in. */
  enter(principal: string, address: string): Quota {
    const ofPrincipal = this.#principals.enter(principal);
    const ofAddress = this.#addresses.enter(address);
    this.#connections += 1;
    return new Quota({ limits: this.#limits, quotas: this, ofPrincipal, ofAddress });
  }

  /** A connection goes. */
  leave(ofPrincipal: Usage, ofAddress: Usage): void {
    this.#connections -= 1;
    this.#principals.leave(ofPrincipal);
    this.#addresses.leave(ofAddress);
  }

  /** Counts that something was too much, and says so. */
  over(limit: string, message: string): ConatError {
    this.#tally.countLimited(limit);
    return new ConatError("unavailable", message);
  }
}

interface QuotaParts {
  readonly limits: GatewayLimits;
  readonly quotas: Quotas;
  readonly ofPrincipal: Usage;
  readonly ofAddress: Usage;
}

/** What one connection may still use. */
export class Quota {
  readonly #parts: QuotaParts;
  readonly #own: Traffic;
  #hasLeft = false;

  constructor(parts: QuotaParts) {
    const { maxMessageRate, maxByteRate } = parts.limits;
    const now = performance.now();
    this.#parts = parts;
    this.#own = {
      messages: new TokenBucket(maxMessageRate, now),
      bytes: new TokenBucket(maxByteRate, now),
    };
  }

  /** Counts a message of so many bytes, or says why it may not be handled; that one costs nothing, to be tried again. */
  refuseMessage(size: number): ConatError | undefined {
    const now = performance.now();
    const { ofPrincipal, ofAddress } = this.#parts;
    const refusal =
      this.#refuse("connection", this.#own, now) ??
      this.#refuse("identity", ofPrincipal, now) ??
      this.#refuse("address", ofAddress, now);
    if (refusal) return refusal;
    spend(this.#own, size);
    spend(ofPrincipal, size);
    spend(ofAddress, size);
    return undefined;
  }

  #refuse(name: string, { messages, bytes }: Traffic, now: number): ConatError | undefined {
    const what = messages.isOpen(now) ? (bytes.isOpen(now) ? undefined : "bytes") : "messages";
    if (what === undefined) return undefined;
    return this.#parts.quotas.over(
      `${name}-${what}`,
      `this ${name} sends more ${what} per second than it may: wait a moment and try again`,
    );
  }

  /**
   * Counts a store that is opened (1) or closed (-1).
   * @throws ConatError `limit-exceeded`
   */
  countStores(difference: 1 | -1): void {
    const { ofPrincipal, limits, quotas } = this.#parts;
    if (difference > 0 && ofPrincipal.openStores >= limits.maxIdentityOpenStores) {
      const text = tooMany(limits.maxIdentityOpenStores, "stores");
      throw new ConatError("limit-exceeded", quotas.over("identity-stores", text).message);
    }
    ofPrincipal.openStores += difference;
  }

  /** As {@link countStores}, for subscriptions. */
  countSubscriptions(difference: 1 | -1): void {
    const { ofPrincipal, limits, quotas } = this.#parts;
    if (difference > 0 && ofPrincipal.subscriptions >= limits.maxIdentitySubscriptions) {
      const text = tooMany(limits.maxIdentitySubscriptions, "subscriptions");
      throw new ConatError("limit-exceeded", quotas.over("identity-subscriptions", text).message);
    }
    ofPrincipal.subscriptions += difference;
  }

  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    const { quotas, ofPrincipal, ofAddress } = this.#parts;
    quotas.leave(ofPrincipal, ofAddress);
  }
}

function spend({ messages, bytes }: Traffic, size: number): void {
  messages.spend(1);
  bytes.spend(size);
}

function createUsage(name: string, { messages, bytes, handshakes }: Rates): Usage {
  const now = performance.now();
  return {
    name,
    messages: new TokenBucket(messages, now),
    bytes: new TokenBucket(bytes, now),
    handshakes: new TokenBucket(handshakes, now),
    connections: 0,
    waiting: 0,
    openStores: 0,
    subscriptions: 0,
  };
}

function tooMany(most: number, what: string): string {
  return `one account or project may have ${most} ${what} open over all its connections: close one first`;
}
