import { type Client, DKV } from "@conat/conat";
import { vi } from "vitest";

export interface OpenCounts {
  /** Feeds opened so far, and those not closed since. */
  feedsOpened: number;
  feeds: number;
  /** Listeners on stores and on the client. */
  listeners: number;
}

/** Counts what is opened through a client and listened to, with the real parts doing their work. */
export function countOpen(client: Client): OpenCounts {
  const counts: OpenCounts = { feedsOpened: 0, feeds: 0, listeners: 0 };
  const { session } = client;
  const openStore = session.openStore.bind(session);
  vi.spyOn(session, "openStore").mockImplementation((...args) => {
    const feed = openStore(...args);
    counts.feedsOpened += 1;
    counts.feeds += 1;
    let open = true;
    return {
      close() {
        if (open) counts.feeds -= 1;
        open = false;
        feed.close();
      },
    };
  });
  const counted = (stop: () => void): (() => void) => {
    counts.listeners += 1;
    let on = true;
    return () => {
      if (on) counts.listeners -= 1;
      on = false;
      stop();
    };
  };
  const { on, subscribe, subscribeKey, watchKeys } = DKV.prototype;
  vi.spyOn(DKV.prototype, "on").mockImplementation(function (this: DKV, event, listener) {
    return counted(on.call(this, event, listener as never));
  });
  vi.spyOn(DKV.prototype, "subscribe").mockImplementation(function (this: DKV, listener) {
    return counted(subscribe.call(this, listener));
  });
  vi.spyOn(DKV.prototype, "subscribeKey").mockImplementation(function (this: DKV, key, listener) {
    return counted(subscribeKey.call(this, key, listener));
  });
  vi.spyOn(DKV.prototype, "watchKeys").mockImplementation(function (this: DKV, watcher) {
    return counted(watchKeys.call(this, watcher));
  });
  const onStatus = client.onStatus.bind(client);
  vi.spyOn(client, "onStatus").mockImplementation((listener) => counted(onStatus(listener)));
  return counts;
}
