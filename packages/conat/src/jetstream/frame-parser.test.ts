import type { Msg, NatsConnection } from "@nats-io/nats-core";
import { NatsConnectionImpl, ProtocolHandler } from "@nats-io/nats-core/internal";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readFrames, subscribeRaw } from "./frame-parser.ts";
import { latin1, type RawMessage, subjectOf } from "./raw-message.ts";

/** A connection that nobody answers: what comes in is given to its parser. */
function offline(): NatsConnectionImpl & NatsConnection {
  const connection: NatsConnectionImpl & NatsConnection = Reflect.construct(NatsConnectionImpl, [
    {},
  ]);
  connection.protocol = new ProtocolHandler(connection.options, connection);
  return connection;
}

function unexpected(): never {
  return expect.unreachable();
}

function receive({ protocol }: NatsConnectionImpl, chunk: Uint8Array): void {
  protocol.parser.parse(chunk);
}

/** What a message says, in words. */
function ofRaw(message: RawMessage): string {
  const { line, replyStart, replyEnd, bytes, start, payloadAt, end } = message;
  const reply = latin1(line, replyStart, replyEnd);
  return [
    subjectOf(message),
    reply,
    latin1(bytes, start, payloadAt),
    latin1(bytes, payloadAt, end),
  ].join("|");
}

function ofLibrary(message: Msg): string {
  const headers = message.headers?.get("A") ?? "";
  const head = message.headers === undefined ? "" : `NATS/1.0\r\nA: ${headers}\r\n\r\n`;
  return [message.subject, message.reply ?? "", head, message.string()].join("|");
}

interface Sent {
  readonly sid: number;
  readonly reply: string;
  readonly header: string | undefined;
  readonly payload: string;
}

/** A message as nats-server sends it. */
function frame({ sid, reply, header, payload }: Sent): string {
  const to = `s.${sid} ${sid}${reply === "" ? "" : ` ${reply}`}`;
  if (header === undefined) return `MSG ${to} ${payload.length}\r\n${payload}\r\n`;
  const head = `NATS/1.0\r\nA: ${header}\r\n\r\n`;
  return `HMSG ${to} ${head.length} ${head.length + payload.length}\r\n${head}${payload}\r\n`;
}

describe("messages read where they lie", () => {
  const text = fc.stringMatching(/^[ -~]{0,30}$/);
  const word = fc.stringMatching(/^[a-z0-9.]{0,12}$/);
  const message = fc.record<Sent>({
    sid: fc.integer({ min: 1, max: 3 }),
    reply: word,
    header: fc.option(fc.stringMatching(/^[a-z]{1,9}$/), { nil: undefined }),
    // What looks like the protocol is none inside a message.
    payload: fc.oneof(text, fc.constant("MSG s.1 1 5\r\nhello\r\n"), fc.constant("\r\n\r\n")),
  });
  const anything = fc.oneof(
    { weight: 9, arbitrary: message },
    { weight: 1, arbitrary: fc.constant("+OK\r\n") },
  );

  it("are those that the library reads, in their order, wherever the network cuts them", () => {
    fc.assert(
      fc.property(
        fc.array(anything, { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 9 }),
        (stream, sizes) => {
          const connection = offline();
          const told: string[] = [];
          const other = { callback: (_: unknown, one: Msg) => void told.push(ofLibrary(one)) };
          const note = (one: RawMessage): void => void told.push(ofRaw(one));
          subscribeRaw(connection, "s.1", note, unexpected);
          connection.subscribe("s.2", other);
          subscribeRaw(connection, "s.3", note, unexpected);
          readFrames(connection);

          const bytes = Buffer.from(
            stream.map((one) => (typeof one === "string" ? one : frame(one))).join(""),
          );
          for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
            const size = sizes[turn % sizes.length] ?? 1;
            receive(connection, new Uint8Array(bytes.subarray(at, at + size)));
            at += size;
          }

          const messages = stream.flatMap((one) => (typeof one === "string" ? [] : one));
          expect(told).toEqual(
            messages.map(({ sid, reply, header, payload }) => {
              const head = header === undefined ? "" : `NATS/1.0\r\nA: ${header}\r\n\r\n`;
              return [`s.${sid}`, reply, head, payload].join("|");
            }),
          );
          expect(connection.stats().inMsgs).toBe(messages.length);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it("are told once when the network cuts the next one within a subject, whatever a part of it looks like", () => {
    const connection = offline();
    let told = 0;
    const note = (): void => {
      told += 1;
      if (told > 2) expect.unreachable("told again");
    };
    subscribeRaw(connection, "inbox", note, unexpected);
    readFrames(connection);
    const sid = 1;
    for (const subject of ["$KV.conat-p0.project.p.s.k", "-1.2", "/", ".."]) {
      for (let length = 0; length < 1_000; length += 1) {
        // What stands before the verb, up to a space, looks like a number below zero; so does the part of the subject.
        const payload = `${"x".repeat(length)} "1"`;
        const head = "NATS/1.0\r\nA: b\r\n\r\n";
        const sizes = `${head.length} ${head.length + payload.length}`;
        const sent = `HMSG ${subject} ${sid} $JS.ACK.a.b.1.1.1.1.1 ${sizes}\r\n${head}${payload}\r\n`;
        const cut = sent.length + "HMSG ".length + 1 + (length % Math.min(3, subject.length));
        told = 0;
        receive(connection, new Uint8Array(Buffer.from((sent + sent).slice(0, cut))));
        receive(connection, new Uint8Array(Buffer.from((sent + sent).slice(cut))));
        expect(told).toBe(2);
      }
    }
  });

  it("are not copied", () => {
    const connection = offline();
    const told: Uint8Array[] = [];
    subscribeRaw(connection, "s.1", ({ bytes }) => told.push(bytes), unexpected);
    readFrames(connection);
    const sent = frame({ sid: 1, reply: "", header: "a", payload: "one" });
    const chunk = new Uint8Array(Buffer.from(sent + sent));
    receive(connection, chunk);
    expect(told.map((bytes) => bytes === chunk)).toEqual([true, true]);
  });

  it("go on from the middle of what the library has begun to read", () => {
    const connection = offline();
    const told: string[] = [];
    subscribeRaw(connection, "s.1", (one) => told.push(ofRaw(one)), unexpected);
    const sent = { sid: 1, reply: "", header: "a", payload: "one" };
    const bytes = Buffer.from(frame(sent) + frame({ ...sent, payload: "two" }));
    receive(connection, new Uint8Array(bytes.subarray(0, 30)));
    readFrames(connection);
    receive(connection, new Uint8Array(bytes.subarray(30)));
    expect(told.map((one) => one.slice(-3))).toEqual(["one", "two"]);
  });

  it("are told no more to who has ended the subscription in a message before", () => {
    const connection = offline();
    const told: string[] = [];
    const ended = subscribeRaw(connection, "s.1", (one) => told.push(ofRaw(one)), unexpected);
    connection.subscribe("s.2", { callback: () => ended.unsubscribe() });
    readFrames(connection);
    const sent = { reply: "", header: undefined, payload: "x" };
    const frames = [1, 2, 1].map((sid) => frame({ ...sent, sid }));
    receive(connection, new Uint8Array(Buffer.from(frames.join(""))));
    expect(told).toEqual(["s.1|||x"]);
    expect(connection.stats()).toMatchObject({ inMsgs: 3, inBytes: 3 });
  });

  it("are told as often as the subscription is to be told", () => {
    const connection = offline();
    const told: string[] = [];
    const subscription = subscribeRaw(
      connection,
      "s.1",
      (one) => told.push(ofRaw(one)),
      unexpected,
    );
    subscription.unsubscribe(2);
    readFrames(connection);
    const sent = { sid: 1, reply: "", header: undefined, payload: "x" };
    receive(connection, new Uint8Array(Buffer.from(frame(sent).repeat(3))));
    expect(told).toHaveLength(2);
  });

  it.each([
    "MSG s.1 1\r\n",
    "HMSG s.1 1 9 3\r\nabc\r\n",
    "MSG s.1 1 x\r\nabc\r\n",
    "MSX s.1 1 0\r\n\r\n",
    `MSG s.1 1 x\r\n${"a".repeat(72)}\r\n`,
    "MSG s.1 1x 3\r\nabc\r\n",
    "HMSG s.1 1 3\r\nabc\r\n",
    "+OK\r\nHMSG s.1234 1 .. ..\r\nabc\r\n",
    "HMSG s.1 1 . .\r\nabc\r\n",
    "MSG s.1 1\r\nabc\r\nMSG s.1 1 3\r\nabc\r\n",
  ])("are refused as the library refuses them: %j", (line) => {
    const connection = offline();
    subscribeRaw(connection, "s.1", unexpected, unexpected);
    readFrames(connection);
    expect(() => receive(connection, new Uint8Array(Buffer.from(line)))).toThrow(
      /parse error|Error \[/i,
    );
  });
});
