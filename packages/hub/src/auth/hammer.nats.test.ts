import { afterEach, expect, it } from "vitest";
import { valueBytes } from "../../../conat/src/protocol/entry.ts";
import type { StoreRef, TopicRef } from "../../../conat/src/protocol/scope.ts";
import { HubSession } from "../../../conat/src/session/hub-session.ts";
import { encodeText, mutate, textOf } from "../../../conat/src/testing/session-probe.ts";
import { useTestNats } from "../../../conat/src/testing/use-test-nats.ts";
import { type Hub, startHub } from "../hub.ts";
import { signToken, TEST_SECRET } from "../test-kit/tokens.ts";

/** How long permissions change, in milliseconds. */
const DURATION_MS = Number(process.env.CONAT_HAMMER_MS ?? 10_000);
const CLIENTS = 50;
const ACCOUNTS = ["one", "two"] as const;
const PROJECTS = [`hammer-a-${process.pid}`, `hammer-b-${process.pid}`] as const;
const REOPEN_MS = 20;
const WRITE_EVERY_MS = 2;
const CHANGE_EVERY_MS = 30;

const nats = useTestNats();
const toClose: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(toClose.splice(0).map((one) => one.close()));
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function storeOf(project: string): StoreRef {
  return { scope: { kind: "project", id: project }, name: "s", ephemeral: false, service: "" };
}

function topicOf(project: string): TopicRef {
  return { scope: { kind: "project", id: project }, path: "", name: "t" };
}

it(
  "nothing that is written once a revocation has resolved reaches anybody whom it concerns",
  async () => {
    const members = new Map<string, Set<string>>(ACCOUNTS.map((one) => [one, new Set(PROJECTS)]));
    const start = async (): Promise<Hub> => {
      const hub = await startHub({
        port: 0,
        natsUrl: nats().url,
        jwt: { secret: TEST_SECRET },
        projects: (account) => [...(members.get(account) ?? [])],
        logger: "silent",
      });
      toClose.push(hub);
      return hub;
    };
    const hubs = [await start(), await start()] as const;

    let counter = 0;
    let isOver = false;
    /** From which number on an account may hear nothing of a project, while that is so. */
    const deniedFrom = new Map<string, number>();
    const violations: string[] = [];
    const heard = new Map<string, number>();
    const check = (account: string, project: string, text: string, how: string): void => {
      const pair = `${account}/${project}`;
      heard.set(`${pair} ${how}`, (heard.get(`${pair} ${how}`) ?? 0) + 1);
      if (Number(text) >= (deniedFrom.get(pair) ?? Number.POSITIVE_INFINITY)) {
        violations.push(`${pair} heard ${text} by ${how}, denied from ${deniedFrom.get(pair)}`);
      }
    };

    /** Keeps everything open that may be, and asks again and again for the rest. */
    const keepOpen = (session: HubSession, account: string, project: string): void => {
      const openFeed = (): void => {
        if (isOver) return;
        session.openStore(storeOf(project), (event) => {
          if (event.type === "entries") {
            for (const entry of event.batch.entries)
              check(account, project, textOf(valueBytes(entry)), "feed");
          } else if (event.type === "closed") setTimeout(openFeed, REOPEN_MS);
        });
      };
      const subscribe = (): void => {
        if (isOver) return;
        session.subscribe(topicOf(project), {
          onMessage: ({ data }) => check(account, project, textOf(data), "topic"),
          onLagged: () => undefined,
          onClosed: () => setTimeout(subscribe, REOPEN_MS),
        });
      };
      openFeed();
      subscribe();
    };
    const sessions: HubSession[] = [];
    for (let at = 0; at < CLIENTS; at += 1) {
      const account = ACCOUNTS[at % 2] ?? "";
      const hub = hubs[at % 4 < 2 ? 0 : 1];
      const session = new HubSession({
        address: new URL(hub.url),
        token: await signToken({ account_id: account }),
      });
      sessions.push(session);
      toClose.unshift(session);
      await session.ready();
      for (const project of PROJECTS) keepOpen(session, account, project);
    }

    const write = async (): Promise<void> => {
      while (!isOver) {
        for (const [at, project] of PROJECTS.entries()) {
          const { session } = hubs[at] ?? hubs[0];
          counter += 1;
          const mutation = mutate(session, `key-${Math.floor(counter / 4) % 20}`, String(counter));
          session.write(storeOf(project), [mutation], () => undefined);
          counter += 1;
          session.publish(topicOf(project), { data: encodeText(String(counter)), origin: "" });
        }
        await pause(WRITE_EVERY_MS);
      }
    };
    const read = async (): Promise<void> => {
      for (let tick = 0; !isOver; tick += 1) {
        const at = tick % CLIENTS;
        const account = ACCOUNTS[at % 2] ?? "";
        for (const project of PROJECTS) {
          const entry = await sessions[at]
            ?.read(storeOf(project), `key-${tick % 20}`)
            .catch(() => undefined);
          if (entry) check(account, project, textOf(valueBytes(entry)), "read");
        }
        await pause(1);
      }
    };
    let changes = 0;
    const change = async (): Promise<void> => {
      const end = performance.now() + DURATION_MS;
      while (performance.now() < end) {
        const account = ACCOUNTS[changes % 2] ?? "";
        const project = PROJECTS[Math.floor(changes / 2) % 2] ?? "";
        const hub = hubs[Math.floor(changes / 3) % 2] ?? hubs[0];
        changes += 1;
        members.get(account)?.delete(project);
        await hub.projectsChanged(account);
        deniedFrom.set(`${account}/${project}`, counter + 1);
        await pause(CHANGE_EVERY_MS);
        deniedFrom.delete(`${account}/${project}`);
        members.get(account)?.add(project);
        await hub.projectsChanged(account);
        await pause(CHANGE_EVERY_MS);
      }
      // And at the end for good, by the other way.
      const [account, project] = [ACCOUNTS[0], PROJECTS[1]];
      await hubs[0].revoke({ account_id: account, project_id: project });
      deniedFrom.set(`${account}/${project}`, counter + 1);
      await pause(500);
      isOver = true;
    };
    await Promise.all([write(), read(), change()]);
    console.info(`${changes} changes, ${counter} writes, heard: ${JSON.stringify([...heard])}`);
    expect(violations).toEqual([]);
    expect(changes).toBeGreaterThan(10);
    expect(heard.size).toBe(ACCOUNTS.length * PROJECTS.length * 3);
  },
  DURATION_MS + 60_000,
);
