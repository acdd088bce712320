import { afterEach, describe, expect, it, vi } from "vitest";
import { defaultAddress, parseAddress } from "./address.ts";

describe("an address", () => {
  it.each([
    ["http://localhost:8000", "http://localhost:8000/"],
    ["https://example.org/tools/conat", "https://example.org/tools/conat"],
    ["ws://127.0.0.1:8000", "http://127.0.0.1:8000/"],
    ["wss://example.org", "https://example.org/"],
    ["HTTP://Example.org", "http://example.org/"],
  ])("%s is a hub", (address, href) => {
    const parsed = parseAddress(address);
    expect(parsed).toMatchObject({ kind: "hub", shown: address });
    expect(parsed.kind === "hub" && parsed.urls.map(String)).toEqual([href]);
  });

  it.each([
    ["nats://localhost:4222", ["nats://localhost:4222"]],
    [
      "tls://a.example:4222, tls://b.example:4222",
      ["tls://a.example:4222", "tls://b.example:4222"],
    ],
  ])("%s is NATS itself", (address, servers) => {
    expect(parseAddress(address)).toEqual({ kind: "nats", servers, shown: address });
  });

  it.each<[string | readonly string[]]>([["http://a:1, ws://b:2"], [["http://a:1", "ws://b:2"]]])(
    "%j is two hubs of one system",
    (address) => {
      const parsed = parseAddress(address);
      expect(parsed.kind === "hub" && parsed.urls.map(String)).toEqual([
        "http://a:1/",
        "http://b:2/",
      ]);
    },
  );

  it("is shown without its secrets", () => {
    const parsed = parseAddress("nats://me:secret@localhost:4222");
    expect(parsed).toEqual({
      kind: "nats",
      servers: ["nats://me:secret@localhost:4222"],
      shown: "nats://localhost:4222",
    });
  });

  it.each([
    "",
    "localhost",
    "localhost:8000",
    "ftp://localhost",
    "http://",
    "http://localhost:8000?token=secret",
    "http://me:secret@localhost:8000",
    "nats://a:1,http://b:2",
  ])("%j is none, and the message says what is, and keeps a password to itself", (address) => {
    let thrown: unknown;
    try {
      parseAddress(address);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ kind: "bad-address" });
    const { message } = thrown as Error;
    expect(message).toMatch(/ is no address: (write http|a hub's address is)/);
    expect(message).not.toContain("me:secret");
  });
});

describe("the default address", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.unstubAllGlobals();
  });

  it("is CONAT_URL", () => {
    vi.stubEnv("CONAT_URL", "http://hub.example");
    expect(defaultAddress()).toBe("http://hub.example");
  });

  it("in a page is where the page came from", () => {
    vi.stubEnv("CONAT_URL", "");
    vi.stubGlobal("location", { origin: "https://page.example" });
    expect(defaultAddress()).toBe("https://page.example");
  });

  it("is missed by name where there is neither", () => {
    vi.stubEnv("CONAT_URL", "");
    expect(() => defaultAddress()).toThrow("set CONAT_URL");
    vi.stubGlobal("location", { origin: "null" });
    expect(() => defaultAddress()).toThrow("set CONAT_URL");
  });
});
