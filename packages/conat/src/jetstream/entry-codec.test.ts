import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type EntryHeaders, valueBytes } from "../protocol/entry.ts";
import type { StoreRef } from "../protocol/scope.ts";
import { bucketName, keySubject, keyToken } from "../protocol/subjects.ts";
import type { Mutation } from "../session/session.ts";
import type { OpenBucket } from "./buckets.ts";
import { type DraftEntry, formatTtl, parseTtl, settleValues, toEntry } from "./entry-codec.ts";
import { FrameWriter } from "./frame-writer.ts";
import { parseTime, readHeaders } from "./message-headers.ts";
import { type RawMessage, rawMessage } from "./raw-message.ts";
import { idHeader, putMessage, storePathOf, writeMessage } from "./write-message.ts";

const bucket: OpenBucket = {
  name: bucketName(false, 0),
  stream: "",
  epoch: "",
  durability: "disk",
  markerTtlMs: 1_500,
  isReplicated: false,
  isToldByKey: false,
  seenFirst: { seq: 0, time: 0 },
  highWater: 0,
  hasGoneBack: false,
};
const store: StoreRef = {
  scope: { kind: "project", id: "p" },
  name: "s",
  ephemeral: false,
  service: "",
};

/** A message as it comes off the network: headers and payload somewhere in a larger chunk. */
function message(headers: readonly string[], payload = ""): RawMessage {
  const head = headers.length > 0 ? `NATS/1.0\r\n${headers.join("\r\n")}\r\n\r\n` : "";
  const chunk = Buffer.from(`before${head}${payload}after`);
  return {
    ...rawMessage(Buffer.from("$KV.conat-p0.project.p.s.key"), chunk, 0),
    start: 6,
    payloadAt: 6 + Buffer.byteLength(head),
    end: chunk.length - 5,
  };
}

function entryOf(headers: readonly string[], payload = "", token = "key"): DraftEntry | undefined {
  const raw = message(headers, payload);
  const entry = toEntry(token, 7, 1_000, readHeaders(raw), raw);
  if (entry) settleValues([entry]);
  return entry;
}

function mutation(fields: Partial<Mutation>): Mutation {
  return {
    key: "key",
    value: Buffer.from("1"),
    origin: "me",
    write: 1,
    expectedSeq: undefined,
    ttlMs: 0,
    headers: undefined,
    ...fields,
  };
}

/** What nats-server is sent for a mutation. */
function sentAs(ref: StoreRef, wanted: Mutation, inbox = "", reply = 0) {
  const pieces: Uint8Array[] = [];
  const frames = new FrameWriter({ sendCommand: (piece) => pieces.push(piece as Uint8Array) }, 0);
  const id = wanted.origin === "" ? undefined : idHeader(wanted.origin);
  putMessage(frames, writeMessage(storePathOf(ref, bucket), wanted, id), inbox, reply);
  frames.send();
  const bytes = Buffer.concat(pieces);
  const lineEnd = bytes.indexOf("\r\n");
  const line = bytes.toString("latin1", 0, lineEnd).split(" ");
  const size = Number(line.at(-1));
  const headerSize = Number(line.at(-2));
  const start = lineEnd + 2;
  expect(bytes.toString("latin1", start + size)).toBe("\r\n");
  return {
    line,
    subject: line[1] ?? "",
    headers: bytes.toString("latin1", start, start + headerSize),
    payload: bytes.subarray(start + headerSize, start + size),
  };
}

describe("a stored message as an entry", () => {
  it("without headers is a put by nobody", () => {
    const entry = entryOf([], "value");
    expect(entry).toMatchObject({
      key: "key",
      seq: 7,
      time: 1_000,
      kind: "put",
      origin: "",
      write: 0,
      ttlMs: 0,
      headers: undefined,
    });
    expect(entry && Buffer.from(valueBytes(entry)).toString()).toBe("value");
  });

  it.each([
    ["KV-Operation: DEL", "delete"],
    ["KV-Operation: PURGE", "delete"],
    ["Nats-Marker-Reason: MaxAge", "expiry"],
    ["Nats-Marker-Reason: Purge", "delete"],
    ["Nats-Marker-Reason: Remove", "delete"],
    ["KV-Operation: PUT", "put"],
    ["Something: else", "put"],
  ])("with %s is a %s", (header, kind) => {
    expect(entryOf([header])).toMatchObject({ kind, start: 0, end: 0 });
  });

  it("tells its writer only when a session of conat wrote it", () => {
    expect(entryOf(["Nats-Msg-Id: a.b.12"])).toMatchObject({ origin: "a.b", write: 12 });
    for (const id of ["plain", ".5", "a.b", "a.-1", "a.1e99", "a."]) {
      expect(entryOf([`Nats-Msg-Id: ${id}`])).toMatchObject({ origin: "", write: 0 });
    }
  });

  it("has a lifetime when it is a value, not when it is a marker", () => {
    expect(entryOf(["Nats-TTL: 90"])).toMatchObject({ ttlMs: 90_000 });
    expect(entryOf(["Nats-TTL: 1m30s"])).toMatchObject({ ttlMs: 90_000 });
    expect(entryOf(["Nats-TTL: never"])).toMatchObject({ ttlMs: 0 });
    expect(entryOf(["KV-Operation: PURGE", "Nats-TTL: 90"])).toMatchObject({ ttlMs: 0 });
  });

  it("is nothing when its key is not one that conat writes", () => {
    for (const token of ["=61", "=zz", "a.b", "ü", "==hash", "=C3"]) {
      expect(entryOf([], "1", token)).toBeUndefined();
    }
  });

  it("ignores application headers that are not what conat writes", () => {
    for (const text of ["[1]", "nonsense", '{"a":1}', "null"]) {
      expect(entryOf([`Conat-Headers: ${text}`])?.headers).toSatisfy(
        (headers) => headers === undefined || Object.keys(headers).length === 0,
      );
    }
  });

  it("believes what the server appended, not what a writer sent under the same name", () => {
    const raw = message(["Nats-Sequence: 1", "Nats-Sequence: 9"]);
    expect(readHeaders(raw).seq).toBe(9);
  });

  it("has no header where a line has a name and no colon, or none before a carriage return", () => {
    const raw = message(["Nats-TTL: 90", "Nats-TTL", "KV-Operation\r: DEL"]);
    expect(readHeaders(raw)).toMatchObject({ ttl: "90", operation: "" });
  });
});

describe("what is published", () => {
  const name = fc.string({ unit: "binary", maxLength: 400 });

  it("comes back as it was, whatever the names, headers and numbers", () => {
    const roundTrip = fc.property(
      fc.oneof(name, fc.string({ minLength: 900, maxLength: 1_200 })),
      fc.uint8Array({ maxLength: 5_000 }),
      fc.option(fc.dictionary(name, name), { nil: undefined }),
      fc.nat({ max: 999_999_999_999_999 }),
      fc.nat({ max: 10_000_000 }),
      (key, value, headers, write, ttlMs) => {
        const sent = sentAs(store, mutation({ key, value, headers, write, ttlMs }));
        expect(sent.subject).toBe(keySubject(bucket.name, store, key));
        expect(sent.headers).toMatch(/^NATS\/1\.0\r\n([\x20-\x7e]+\r\n)+\r\n$/);
        const bytes = Buffer.concat([Buffer.from(sent.headers), sent.payload]);
        const raw = rawMessage(Buffer.from(sent.subject), bytes, sent.headers.length);
        const entry = toEntry(keyToken(sent.subject), 1, 1, readHeaders(raw), raw);
        if (entry === undefined) throw new Error("not an entry");
        settleValues([entry]);
        expect(entry).toMatchObject({ key, origin: "me", write, kind: "put" });
        expect(Buffer.compare(valueBytes(entry), value)).toBe(0);
        expect(entry.ttlMs).toBe(ttlMs === 0 ? 0 : Math.max(1, Math.ceil(ttlMs / 1_000)) * 1_000);
        expect(entries(entry.headers)).toEqual(entries(headers));
      },
    );
    fc.assert(roundTrip, { numRuns: 500 });
  });

  it("has somewhere to answer to only when it asks for an answer", () => {
    const id = "NATS/1.0\r\nNats-Msg-Id: me.1\r\n\r\n";
    const subject = "$KV.conat-p0.project.p.s.key";
    const quiet = sentAs(store, mutation({}));
    expect(quiet.line).toEqual(["HPUB", subject, `${id.length}`, `${id.length + 1}`]);
    const asking = sentAs(store, mutation({}), "_INBOX.me.", 12_345);
    expect(asking.line.slice(0, 3)).toEqual(["HPUB", subject, "_INBOX.me.12345"]);
  });

  it("of nobody has no id, and one whose number is none is refused", () => {
    expect(sentAs(store, mutation({ origin: "" })).headers).toBe("NATS/1.0\r\n\r\n");
    for (const write of [Number.NaN, Number.POSITIVE_INFINITY, -1, 1.5, 2 ** 53]) {
      expect(() => sentAs(store, mutation({ write }))).toThrow("is no number of a write");
    }
  });

  it("as a removal is a marker that vanishes silently when it is due", () => {
    const { headers, payload } = sentAs(store, mutation({ value: undefined, expectedSeq: 0 }));
    expect(payload).toHaveLength(0);
    expect(headers.split("\r\n")).toEqual([
      "NATS/1.0",
      "Nats-Msg-Id: me.1",
      "Nats-Expected-Last-Subject-Sequence: 0",
      "KV-Operation: PURGE",
      "Nats-Rollup: sub",
      "Nats-TTL: 2",
      "",
      "",
    ]);
  });
});

function entries(headers: EntryHeaders | undefined): [string, string][] | undefined {
  return headers && Object.entries(headers);
}

describe("values", () => {
  it("of one turn share a buffer that holds little else, and large ones have their own", () => {
    const sizes = [100, 200, 5_000, 100, 40_000, 4_000, 4_000, 4_000, 4_000, 4_000, 0];
    const drafts = sizes.map((size, at) => {
      const raw = message([], String.fromCharCode(65 + at).repeat(size));
      return toEntry("key", at, 1, readHeaders(raw), raw);
    });
    const settled = drafts.filter((draft) => draft !== undefined);
    settleValues(settled);
    settled.forEach((entry, at) => {
      const text = Buffer.from(valueBytes(entry)).toString();
      expect(text).toBe(String.fromCharCode(65 + at).repeat(sizes[at] ?? 0));
      expect(Buffer.isBuffer(entry.buffer)).toBe(false);
      expect(entry.buffer.length).toBeLessThanOrEqual(Math.max(16_384, sizes[at] ?? 0));
    });
    const kept = new Set(settled.map(({ buffer }) => buffer.buffer));
    const keptBytes = [...kept].reduce((total, { byteLength }) => total + byteLength, 0);
    const wanted = sizes.reduce((total, size) => total + size, 0);
    // The one of 40,000 bytes keeps its message, headers and all.
    expect(keptBytes - wanted).toBeLessThan(100);
  });
});

describe("times", () => {
  it("are read to the millisecond, however many digits the server wrote", () => {
    for (const [text, iso] of [
      ["2026-11-21T09:31:34.213845036Z", "2026-11-21T09:31:34.213Z"],
      ["2026-11-21T09:31:34.9Z", "2026-11-21T09:31:34.900Z"],
      ["2026-11-21T09:31:34.05Z", "2026-11-21T09:31:34.050Z"],
      ["2026-11-21T09:31:35Z", "2026-11-21T09:31:35.000Z"],
    ] as const) {
      expect(parseTime(text)).toBe(Date.parse(iso));
    }
  });

  it("that somebody has made up do not change those of other messages", () => {
    const time = "2026-11-21T09:31:34.213Z";
    for (const madeUp of ["2", "2026", "2026-11-21T09", "", "2026-11-21T09:31:3"]) {
      readHeaders(message([`Nats-Time-Stamp: ${madeUp}`]));
      const { time: read } = readHeaders(message([`Nats-Time-Stamp: ${time}`]));
      expect([madeUp, read]).toEqual([madeUp, Date.parse(time)]);
    }
  });

  it("to live are rounded up to whole seconds, as the server would otherwise cut them", () => {
    expect([1, 999, 1_000, 1_001, 1_500].map(formatTtl)).toEqual(["1", "1", "1", "2", "2"]);
    expect(["5", "5s", "1500ms", "1h", "2h0m1s", "x", ""].map(parseTtl)).toEqual([
      5_000, 5_000, 1_000, 3_600_000, 7_201_000, 0, 0,
    ]);
  });
});
