import { expect, it } from "vitest";
import { chooseAuthenticator } from "./choose-authenticator.ts";

it.each([
  "nats://127.0.0.1:4222",
  "nats://localhost",
  "tls://[::1]:4222",
  "nats://127.0.0.1:1,nats://127.0.0.1:2",
])("development mode lets backends in through NATS at %s", (natsUrl) => {
  const options = { dev: true, host: "127.0.0.1", allowedOrigins: [], natsUrl };
  expect(() => chooseAuthenticator({ ...options, natsBackendKeys: {} })).not.toThrow();
});
