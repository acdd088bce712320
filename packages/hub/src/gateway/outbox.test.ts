import { EventEmitter, once } from "node:events";
import type { Socket } from "socket.io";
import { describe, expect, it, vi } from "vitest";
import { Tally } from "../observability/tally.ts";
import { encodeEvent } from "./event-frame.ts";
import { Outbox } from "./outbox.ts";

const FRAME = encodeEvent("lagged", 1, 1);
const OTHER = encodeEvent("lagged", 2, 1);

/** A connection that writes down what it is given, past Engine.IO and through it. */
class ScriptedConnection extends EventEmitter {
  readyState = "open";
  readonly direct: Buffer[] = [];
  readonly queued: unknown[] = [];
  readonly transport: EventEmitter & { writable: boolean; socket: object };

  constructor({ writable = true, buffered = 0 } = {}) {
    super();
    const sender = { sendFrame: ([frame]: [Buffer]) => this.direct.push(frame) };
    const socket = { bufferedAmount: buffered, _sender: sender };
    this.transport = Object.assign(new EventEmitter(), { writable, socket });
  }

  write(payload: unknown): void {
    this.emit("packetCreate");
    this.queued.push(payload);
  }
}

function openOutbox(conn: ScriptedConnection, onOverflow: () => void = () => {}): Outbox {
  return new Outbox({
    conn: conn as unknown as Socket["conn"],
    maxBytes: 1_000,
    tally: new Tally(),
    onDrain: () => {},
    onOverflow,
  });
}

async function nextTick(): Promise<void> {
  const events = new EventEmitter();
  process.nextTick(() => events.emit("now"));
  await once(events, "now");
}

describe("an outbox", () => {
  it("sends what it is given in one go in one piece", async () => {
    const conn = new ScriptedConnection();
    const outbox = openOutbox(conn);
    outbox.sendFrame(FRAME);
    outbox.sendFrame(OTHER);
    expect(outbox.bytes).toBe(FRAME.byteLength + OTHER.byteLength);
    await nextTick();
    expect(conn.direct).toEqual([Buffer.concat([...FRAME.encoded, ...OTHER.encoded])]);
    expect(outbox.bytes).toBe(0);
  });

  it("goes behind the others of its turn when it is asked to, and only then", async () => {
    const [writer, reader] = [new ScriptedConnection(), new ScriptedConnection()];
    const order: string[] = [];
    vi.spyOn(writer.direct, "push").mockImplementation(() => order.push("writer"));
    vi.spyOn(reader.direct, "push").mockImplementation(() => order.push("reader"));
    const [first, second] = [openOutbox(writer), openOutbox(reader)];
    first.sendFrame(FRAME);
    first.goLast();
    second.sendFrame(FRAME);
    await nextTick();
    first.sendFrame(FRAME);
    second.sendFrame(FRAME);
    await nextTick();
    expect(order).toEqual(["reader", "writer", "writer", "reader"]);
  });

  it("lets what may linger wait for what may not, and no longer than a few milliseconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    try {
      const conn = new ScriptedConnection();
      const outbox = openOutbox(conn);
      outbox.sendFrame(FRAME, true);
      await nextTick();
      expect(conn.direct).toEqual([]);
      expect(outbox.bytes).toBe(FRAME.byteLength);
      outbox.sendFrame(OTHER);
      await nextTick();
      expect(conn.direct).toEqual([Buffer.concat([...FRAME.encoded, ...OTHER.encoded])]);

      outbox.sendFrame(OTHER, true);
      outbox.sendFrame(FRAME, true);
      await vi.advanceTimersByTimeAsync(4);
      expect(conn.direct[1]).toEqual(Buffer.concat([...OTHER.encoded, ...FRAME.encoded]));
      await vi.advanceTimersByTimeAsync(100);
      expect(conn.direct).toHaveLength(2);
    } finally {
      vi.useRealTimers();
    }
  });

  it("asks for what goes late when it leaves, once, and sends it behind the rest in the same piece", async () => {
    const conn = new ScriptedConnection();
    const outbox = openOutbox(conn);
    const both = Buffer.concat([...FRAME.encoded, ...OTHER.encoded]);
    outbox.sendFrame(FRAME);
    outbox.sendLate(() => outbox.sendFrame(OTHER));
    await nextTick();
    outbox.sendLate(() => outbox.sendFrame(OTHER));
    outbox.sendFrame(FRAME);
    await nextTick();
    outbox.sendLate(() => outbox.sendFrame(OTHER));
    await nextTick();
    outbox.sendFrame(FRAME);
    await nextTick();
    expect(conn.direct).toEqual([both, both, ...OTHER.encoded, ...FRAME.encoded]);
  });

  it("overtakes no packet of Engine.IO that still waits", async () => {
    const conn = new ScriptedConnection();
    const outbox = openOutbox(conn);
    conn.emit("packetCreate");
    outbox.sendFrame(FRAME);
    await nextTick();
    expect(conn.direct).toEqual([]);
    expect(conn.queued).toEqual([FRAME.payload]);
    expect(outbox.bytes).toBe(FRAME.byteLength);

    conn.emit("flush");
    outbox.sendFrame(OTHER);
    await nextTick();
    expect(conn.direct).toEqual(OTHER.encoded);
    expect(outbox.bytes).toBe(0);
  });

  it("goes through Engine.IO first when a packet may wait since before", async () => {
    const conn = new ScriptedConnection({ writable: false });
    openOutbox(conn).sendFrame(FRAME);
    await nextTick();
    expect(conn.queued).toEqual([FRAME.payload]);
  });

  it("gives up a connection that takes nothing at all", async () => {
    let overflows = 0;
    const conn = new ScriptedConnection({ buffered: 5_000 });
    openOutbox(conn, () => {
      overflows += 1;
    }).sendFrame(FRAME);
    await nextTick();
    expect(overflows).toBe(1);
  });

  it("sends nothing on a connection that has closed meanwhile", async () => {
    const conn = new ScriptedConnection();
    openOutbox(conn).sendFrame(FRAME);
    conn.readyState = "closed";
    await nextTick();
    expect(conn.direct).toEqual([]);
  });
});
