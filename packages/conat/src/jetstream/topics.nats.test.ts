import { connect } from "@nats-io/transport-node";
import { afterEach, describe, expect, it } from "vitest";
import type { TopicRef } from "../protocol/scope.ts";
import type { Session, Subscription, TopicListener } from "../session/session.ts";
import { eventually } from "../testing/eventually.ts";
import { encodeText, TopicProbe, textOf } from "../testing/session-probe.ts";
import { useTestNats } from "../testing/use-test-nats.ts";
import type { JetstreamSession } from "./jetstream-session.ts";
import { openJetstream } from "./open-jetstream.ts";

const server = useTestNats();
const sessions: JetstreamSession[] = [];
const topic: TopicRef = { scope: { kind: "project", id: "p" }, path: "", name: "cursors" };

async function open(): Promise<JetstreamSession> {
  const session = await openJetstream({ servers: server().url });
  sessions.push(session);
  return session;
}

function say(session: Session, text: string): void {
  session.publish(topic, { data: encodeText(text), origin: session.origin });
}

/** Says `text` until everybody has heard it: a subscription is not confirmed. */
async function sayUntil(session: Session, text: string, isHeard: () => boolean): Promise<void> {
  await eventually(() => {
    say(session, text);
    return isHeard();
  });
}

function listen(session: Session, listener: Partial<TopicListener>): Subscription {
  return session.subscribe(topic, {
    onMessage: () => {},
    onLagged: () => {},
    onClosed: () => {},
    ...listener,
  });
}

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

describe("a topic on NATS", () => {
  it("carries messages over a restart of the server, the bounded newest of those said meanwhile", async () => {
    const [one, two] = [await open(), await open()];
    const [first, second] = [new TopicProbe(one, topic), new TopicProbe(two, topic)];
    await sayUntil(one, "before", () => second.texts.length > 0);
    expect(second.messages[0]?.origin).toBe(one.origin);
    say(one, "last");
    await eventually(() => first.texts.at(-1) === "last" && second.texts.at(-1) === "last");
    const heard = first.texts.length;

    await server().kill();
    await eventually(() => one.status.state !== "ready" && two.status.state !== "ready");
    for (let at = 0; at < 1_500; at += 1) say(one, `away ${at}`);
    await server().restart();
    await Promise.all([one.ready(), two.ready()]);
    await eventually(() => first.texts.at(-1) === "away 1499");
    expect(first.texts[heard]).toBe("away 500");
    expect(first.texts).toHaveLength(heard + 1_000);
    await sayUntil(two, "after", () => first.texts.at(-1) === "after");
    await sayUntil(one, "after all", () => second.texts.at(-1) === "after all");
  });

  it("is heard once and in order, in the session that speaks and in another", async () => {
    const [one, two] = [await open(), await open()];
    const probes = [new TopicProbe(one, topic), new TopicProbe(two, topic)];
    await sayUntil(one, "ready", () => probes.every(({ texts }) => texts.length > 0));
    const said = Array.from({ length: 200 }, (_, at) => String(at));
    for (const text of said) say(one, text);
    await eventually(() => probes.every(({ texts }) => texts.at(-1) === "199"));
    for (const { texts } of probes) expect(texts.filter((text) => text !== "ready")).toEqual(said);
  });

  it("is heard elsewhere when the session that speaks, and hears itself, closes at once", async () => {
    const [one, two] = [await open(), await open()];
    const probes = [new TopicProbe(one, topic), new TopicProbe(two, topic)];
    await sayUntil(one, "ready", () => probes.every(({ texts }) => texts.length > 0));
    for (const text of ["first", "second", "last"]) say(one, text);
    await one.close();
    await eventually(() => probes[1]?.texts.at(-1) === "last");
    expect(probes[1]?.texts.slice(-3)).toEqual(["first", "second", "last"]);
  });

  it("keeps the order when nobody listens any more in the session that speaks", async () => {
    const [one, two] = [await open(), await open()];
    const own = listen(one, {});
    const probe = new TopicProbe(two, topic);
    await sayUntil(one, "ready", () => probe.texts.length > 0);
    const said = Array.from({ length: 50 }, (_, at) => String(at));
    for (const text of said) {
      say(one, text);
      if (text === "25") own.close();
    }
    await eventually(() => probe.texts.at(-1) === "49");
    expect(probe.texts.filter((text) => text !== "ready")).toEqual(said);
  });

  it("tells a reader that is too slow how many messages it has lost, and goes on with the newest", async () => {
    const [writer, reader] = [await open(), await open()];
    const heard: number[] = [];
    let lagged = 0;
    listen(reader, {
      onMessage: ({ data }) => {
        heard.push(Number(textOf(data)));
        const until = performance.now() + 2;
        // Slow until it has missed something: the rest would only take long.
        while (lagged === 0 && performance.now() < until);
      },
      onLagged: (count) => {
        lagged += count;
      },
    });
    await sayUntil(writer, "-1", () => heard.length > 0);
    say(writer, "-2");
    await eventually(() => heard.at(-1) === -2);
    heard.length = 0;
    const total = 6_000;
    for (let at = 0; at < total; at += 1) say(writer, String(at));
    await eventually(() => heard.at(-1) === total - 1, { timeoutMs: 20_000 });
    expect(lagged).toBeGreaterThan(0);
    expect(heard.length + lagged).toBe(total);
    expect(heard).toEqual([...heard].sort((a, b) => a - b));
  });

  it("is heard from a plain NATS client, and a message of nobody has no origin", async () => {
    const session = await open();
    const probe = new TopicProbe(session, topic);
    const connection = await connect({ servers: server().url });
    await eventually(async () => {
      connection.publish("conat-ps.project.p.=.cursors", "plain");
      await connection.flush();
      return probe.messages.length > 0;
    });
    await connection.close();
    expect(probe.messages[0]).toMatchObject({ origin: "" });
    expect(probe.texts[0]).toBe("plain");
  });

  it("ends with the session", async () => {
    const session = await open();
    const probe = new TopicProbe(session, topic);
    await session.close();
    expect(probe.closed).toMatchObject([{ kind: "closed" }]);
    expect(session.metrics().openSubscriptions).toBe(0);
    const late = new TopicProbe(session, topic);
    await eventually(() => late.closed.length === 1);
  });

  it("refuses a message larger than nats-server takes, by name", async () => {
    const session = await open();
    const data = new Uint8Array(8 * 1024 * 1024 + 1);
    expect(() => session.publish(topic, { data, origin: session.origin })).toThrow(
      expect.objectContaining({ kind: "value-too-large" }),
    );
  });

  it("is no way for two who answer each other to keep their process from everything else", async () => {
    const session = await open();
    const other: TopicRef = { ...topic, name: "answers" };
    const most = 200_000;
    let answers = 0;
    let hasTurned = false;
    const answer = (to: TopicRef): void => {
      answers += 1;
      if (!hasTurned && answers < most) session.publish(to, { data: encodeText("x"), origin: "" });
    };
    listen(session, { onMessage: () => answer(other) });
    session.subscribe(other, {
      onMessage: () => answer(topic),
      onLagged: () => {},
      onClosed: () => {},
    });
    const turned = new Promise<void>((resolve) => {
      setImmediate(() => {
        hasTurned = true;
        resolve();
      });
    });
    say(session, "x");
    await turned;
    expect(answers).toBeGreaterThan(0);
    expect(answers).toBeLessThan(most);
  });
});
