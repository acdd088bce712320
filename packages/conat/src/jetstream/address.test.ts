import { describe, expect, it } from "vitest";
import { parseServers } from "./address.ts";

describe("a NATS address", () => {
  it("may be one or several, with or without a port", () => {
    expect(parseServers("nats://a:1, nats://b")).toMatchObject({
      servers: ["a:1", "b:4222"],
      tls: false,
    });
    expect(parseServers(["tls://[::1]:4333"])).toMatchObject({
      servers: ["[::1]:4333"],
      tls: true,
    });
  });

  it("may carry who to be, which is never shown", () => {
    expect(parseServers("nats://me:s%40cret@a")).toMatchObject({ user: "me", pass: "s@cret" });
    const withToken = parseServers("nats://t0ken@a");
    expect(withToken).toMatchObject({ user: undefined, token: "t0ken" });
    expect(withToken.shown).toBe("nats://a:4222");
  });

  it.each(["", "a:4222", "http://a", "nats://a,tls://b", "nats://"])("cannot be %j", (address) => {
    expect(() => parseServers(address)).toThrow(expect.objectContaining({ kind: "bad-address" }));
  });

  it("that is refused shows no secret", () => {
    expect(() => parseServers("http://me:s3cret@a")).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("s3cret") }),
    );
  });
});
