import { connect } from "@nats-io/transport-node";
import { describe, expect, it, onTestFinished } from "vitest";
import { useTestNats } from "../testing/use-test-nats.ts";
import { type Buckets, openBuckets } from "./buckets.ts";
import { Elections } from "./elections.ts";
import { resolveOptions } from "./options.ts";

const server = useTestNats();
const STORE = { scope: { kind: "project", id: "p" }, ephemeral: false } as const;

/** Opens the buckets, and whatever opens them again. */
async function openTwice(): Promise<{ buckets: Buckets; again: () => Promise<Buckets> }> {
  const connection = await connect({ servers: server().url });
  onTestFinished(() => connection.close());
  const options = resolveOptions({ servers: server().url });
  const elections = new Elections();
  const { buckets } = await openBuckets(connection, options, undefined, elections);
  const again = async () => (await openBuckets(connection, options, buckets, elections)).buckets;
  return { buckets, again };
}

type Api = (subject: string, payload?: object) => Promise<{ config: object }>;

async function openApi(): Promise<Api> {
  const connection = await connect({ servers: server().url });
  onTestFinished(() => connection.close());
  return async (subject, payload) => {
    const body = payload && JSON.stringify(payload);
    return (await connection.request(`$JS.API.STREAM.${subject}`, body)).json();
  };
}

describe("buckets that are looked at again", () => {
  it("have the same history when something is stored while the answer is on its way", async () => {
    const { buckets, again } = await openTwice();
    const answer = again();
    buckets.of(STORE).highWater += 50;
    expect((await answer).isSameAs(buckets)).toBe(true);
  });

  it("are others when they tell what is stored in another way", async () => {
    const { buckets, again } = await openTwice();
    const api = await openApi();
    const { config } = await api("INFO.KV_conat-p0");
    const republish = { src: "$KV.conat-p0.>", dest: "conat-live.conat-p0.>" };
    await api("UPDATE.KV_conat-p0", { ...config, republish });
    expect((await again()).isSameAs(buckets)).toBe(false);
    await api("UPDATE.KV_conat-p0", config);
    expect((await again()).isSameAs(buckets)).toBe(true);
  });

  it("that have to be made are told as the first one is, for those of an earlier version beside us", async () => {
    const { buckets, again } = await openTwice();
    const api = await openApi();
    const memory = { ...STORE, ephemeral: true };
    const republish = { src: "$KV.conat-p0.>", dest: "conat-live.conat-p0.>" };
    const { config } = await api("INFO.KV_conat-p0");
    await api("UPDATE.KV_conat-p0", { ...config, republish });
    await api("DELETE.KV_conat-e0");
    expect(buckets.of(memory).isToldByKey).toBe(false);
    expect((await again()).of(memory).isToldByKey).toBe(true);
    await api("UPDATE.KV_conat-p0", config);
    await api("DELETE.KV_conat-e0");
    expect((await again()).of(memory).isToldByKey).toBe(false);
  });

  it("have another history when what was stored before is not there any more", async () => {
    const { buckets, again } = await openTwice();
    buckets.of(STORE).highWater += 50;
    expect((await again()).isSameAs(buckets)).toBe(false);
  });

  it("of a version to come are not said to be of something else, which may be removed", async () => {
    const { again } = await openTwice();
    const api = await openApi();
    const { config } = await api("INFO.KV_conat-p0");
    const metadata = { ...Object(config).metadata };
    const republish = { src: "$KV.conat-p0.>", dest: "told-otherwise.>" };
    await api("UPDATE.KV_conat-p0", { ...config, republish });
    const refusal = await again().catch(String);
    expect(refusal).toContain("a newer conat made it");
    expect(refusal).not.toContain("remove");
    delete metadata["conat.epoch"];
    await api("UPDATE.KV_conat-p0", { ...config, republish, metadata });
    await expect(again()).rejects.toThrow("it was made by something else");
    await api("UPDATE.KV_conat-p0", config);
  });
});
