import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { bucketName } from "../protocol/subjects.ts";
import {
  bucketConfig,
  bucketFacts,
  missingFrom,
  type StreamInfo,
  streamInfo,
} from "./bucket-config.ts";
import { resolveOptions } from "./options.ts";

const options = resolveOptions({ servers: "nats://127.0.0.1", markerTtlMs: 1_500 });
const bucket = bucketName(false, 2);

/** What a server would answer that keeps everything but the fields named. */
function answered(...dropped: string[]): StreamInfo {
  const asked = bucketConfig(bucket, false, 4, "epoch-1", false, options);
  const config = Object.fromEntries(
    Object.entries(asked).filter(([name]) => !dropped.includes(name)),
  );
  return v.parse(streamInfo, {
    config,
    state: { last_seq: 7 },
    created: "2026-11-20T09:31:34.123456789Z",
    ts: "2026-11-21T09:31:34Z",
  });
}

describe("a bucket's configuration", () => {
  it("that the server kept whole lacks nothing, and tells what the bucket is", () => {
    expect(missingFrom(answered(), bucket, false)).toEqual([]);
    expect(bucketFacts(answered(), bucket)).toEqual({
      epoch: "epoch-1.mwos4yuj",
      partitions: 4,
      markerTtlMs: 2_000,
      isReplicated: false,
      isToldByKey: false,
      lastSeq: 7,
    });
  });

  it.each([
    "allow_direct",
    "allow_rollup_hdrs",
    "allow_msg_ttl",
    "allow_atomic",
    "subject_delete_marker_ttl",
    "max_msgs_per_subject",
    "discard",
    "republish",
    "subjects",
    "metadata",
  ])("of which the server silently dropped %s is not taken, and that is named", (field) => {
    const missing = missingFrom(answered(field), bucket, false);
    expect(missing.length).toBeGreaterThan(0);
    if (field !== "metadata") expect(missing.join()).toContain(field);
  });

  it("may be of before stores had a subject each where they are told", () => {
    const republish = { src: "$KV.conat-p2.>", dest: "conat-live.conat-p2.>" };
    const before = answered();
    const info = { ...before, config: { ...before.config, republish } };
    expect(missingFrom(info, bucket, false)).toEqual([]);
    expect(bucketFacts(info, bucket).isToldByKey).toBe(true);
  });

  it("is told in words, also where it tells nobody what it stores", () => {
    expect(missingFrom(answered("republish"), bucket, false)).toEqual([
      "republish is off and must be $KV.conat-p2.*.*.*.* to " +
        "conat-live.conat-p2.{{wildcard(1)}}.{{wildcard(2)}}.{{wildcard(3)}}",
    ]);
  });

  it("of another kind of storage is not taken", () => {
    expect(missingFrom(answered(), bucket, true)).toEqual(["storage is file and must be memory"]);
  });
});
