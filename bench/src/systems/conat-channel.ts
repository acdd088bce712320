import { connect, PubSub } from "@conat/conat";
import { type Connection, makeValue, type Store, type System, type Value } from "./system.ts";

export interface ConatChannelOptions {
  readonly kind: "conat-channel";
  readonly address: string;
}

/** `PubSub` through a hub: a message is a change without a store. */
export function conatChannel({ address }: ConatChannelOptions): System {
  return {
    async connect(): Promise<Connection> {
      const client = connect({ address, identity: { project_id: PROJECT } });
      await client.ready();
      return {
        async open(name) {
          return openChannel(new PubSub<Value>({ client, project_id: PROJECT, name }));
        },
        close: () => client.close(),
      };
    },
  };
}

const PROJECT = "bench";

/** Waits until the channel hears itself: a subscription does not say when it is there. */
async function openChannel(channel: PubSub<Value>): Promise<Store> {
  await new Promise<void>((resolve, reject) => {
    const call = (): void => channel.set(makeValue(-1));
    const timer = setInterval(call, 20);
    const done = channel.on("change", (_value, { own }) => {
      if (own) finish(resolve);
    });
    const failed = channel.on("error", (error) => finish(() => reject(error)));
    const finish = (then: () => void): void => {
      clearInterval(timer);
      done();
      failed();
      then();
    };
    call();
  });
  return {
    size: 0,
    set: (_key, value) => channel.set(value),
    confirmed: async () => {},
    onChange: (listener) => {
      channel.on("change", ({ n }) => {
        if (n >= 0) listener("");
      });
    },
    close: async () => channel.close(),
  };
}
