import { describe, expect, it } from "vitest";
import { isLoopbackHost, isOriginAllowed } from "./origin-check.ts";

describe("which pages may connect", () => {
  it.each([
    ["a program that is no browser", undefined, [], true],
    ["the page that the hub serves", "http://hub.example:4400", [], true],
    ["a page of the same host on another port", "http://hub.example:8080", [], false],
    ["any other page", "https://evil.example", [], false],
    ["a page that is allowed", "https://app.example", ["https://app.example"], true],
    [
      "a page whose name begins like an allowed one",
      "https://app.example.evil",
      ["https://app.example"],
      false,
    ],
    ["the allowed page without TLS", "http://app.example", ["https://app.example"], false],
    ["any page where all are", "https://evil.example", ["*"], true],
    ["a page of this machine where those are", "http://localhost:5173", ["loopback"], true],
    ["a page of this machine where nothing says so", "http://localhost:5173", [], false],
    ["a page whose name was made to point here", "http://hub.example:4400", ["loopback"], false],
    ["a sandboxed page", "null", ["loopback"], false],
    ["nonsense", "::::", ["loopback"], false],
  ])("%s", (_who, origin, allowed, expected) => {
    const headers = { host: "hub.example:4400", ...(origin === undefined ? {} : { origin }) };
    expect(isOriginAllowed(headers, allowed)).toBe(expected);
  });

  it.each([
    ["127.0.0.1", true],
    ["127.8.8.8", true],
    ["localhost", true],
    ["app.localhost", true],
    ["::1", true],
    ["0.0.0.0", false],
    ["::", false],
    ["127.0.0.1.evil.example", false],
    ["localhost.evil.example", false],
    ["192.168.0.1", false],
  ])("%s is this machine: %s", (host, expected) => {
    expect(isLoopbackHost(host)).toBe(expected);
  });
});
