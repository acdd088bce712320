import { PROTOCOL_VERSION } from "@conat/conat/internal";
import { expect, it } from "vitest";
import type { HandshakeRequest } from "../auth/authenticator.ts";
import { Doorkeeper } from "../auth/doorkeeper.ts";
import { RevocationSet } from "../auth/revocation-set.ts";
import { accountIdentity } from "../scope/identity.ts";
import { shakeHands } from "./handshake.ts";

it("what is kept of a handshake is who said it from where, and neither a token nor how the WebSocket came about", async () => {
  const shown: HandshakeRequest[] = [];
  const doorkeeper = new Doorkeeper({
    authenticator: {
      authenticate: async (request) => {
        shown.push(request);
        return accountIdentity("alice");
      },
    },
    projects: undefined,
    revocations: new RevocationSet(),
  });
  const headers = {
    host: "hub.example",
    cookie: "a=b",
    upgrade: "websocket",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-protocol": "of.the.application",
  };
  const auth = { v: PROTOCOL_VERSION, client: "client-of-this-test", token: "secret" };
  const { request } = await shakeHands({ auth, headers, address: "192.0.2.1" }, doorkeeper, 1_000);

  expect(shown).toMatchObject([{ hello: { token: "secret" }, headers }]);
  expect(request.address).toBe("192.0.2.1");
  expect(request.headers).toEqual({
    host: "hub.example",
    cookie: "a=b",
    "sec-websocket-protocol": "of.the.application",
  });
  expect(JSON.stringify(request)).not.toContain("secret");
});
