import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HandshakeRequest } from "./authenticator.ts";
import { JwtAuthenticator, type JwtOptions } from "./jwt-authenticator.ts";

const SECRET = "a secret of more than thirty-two bytes";
const secretKey = new TextEncoder().encode(SECRET);
const HOUR_S = 3_600;

function shown(token?: string, cookie?: string): HandshakeRequest {
  return {
    hello: { v: 1, client: "instance-00000001", ...(token === undefined ? {} : { token }) },
    headers: cookie === undefined ? {} : { cookie },
    address: "127.0.0.1",
  };
}

interface Signing {
  readonly key?: Parameters<SignJWT["sign"]>[0];
  readonly alg?: string;
  readonly kid?: string;
  readonly expiresIn?: number | undefined;
}

function sign(claims: Record<string, unknown>, signing: Signing = {}): Promise<string> {
  const { key = secretKey, alg = "HS256", kid } = signing;
  const expiresIn = "expiresIn" in signing ? signing.expiresIn : HOUR_S;
  const now = Math.floor(Date.now() / 1_000);
  const token = new SignJWT(claims).setIssuedAt();
  token.setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) });
  if (expiresIn !== undefined) token.setExpirationTime(now + expiresIn);
  return token.sign(key);
}

const bySecret = (options: JwtOptions = {}) => new JwtAuthenticator({ secret: SECRET, ...options });

describe("the claims of a token that is believed", () => {
  it("say which account it is, with its projects, their roles, and what rules may want", async () => {
    const token = await sign({
      account_id: "alice",
      projects: { p1: "viewer", p2: "owner" },
      jti: "t1",
      username: "al",
      nested: {},
    });
    const grant = await bySecret().authenticate(shown(token));
    expect(grant).toMatchObject({
      identity: { kind: "account", account_id: "alice" },
      jti: "t1",
      renewal: "token",
    });
    const { identity } = grant;
    expect(identity.kind === "account" && [...identity.projects]).toEqual([
      ["p1", "viewer"],
      ["p2", "owner"],
    ]);
    expect([...identity.fields]).toEqual([["username", "al"]]);
    expect(grant.expiresAt).toBeGreaterThan(Date.now() + 3_500_000);
    expect(grant.issuedAt).toBeLessThanOrEqual(Date.now());
  });

  it.each([
    [{ sub: "bob" }, { kind: "account", account_id: "bob" }],
    [
      { project_id: "p", sub: "service-7" },
      { kind: "project", project_id: "p" },
    ],
    [{ hub: true, sub: "backend" }, { kind: "hub" }],
  ])("%j mean %j", async (claims, identity) => {
    const grant = await bySecret().authenticate(shown(await sign(claims)));
    expect(grant).toMatchObject({ identity });
  });

  it.each([
    ["nobody", {}],
    ["two", { account_id: "a", project_id: "p" }],
    ["an empty name", { account_id: "" }],
    ["a name that is none", { account_id: { toString: "x" } }],
    ["projects of a project", { project_id: "p", projects: ["q"] }],
    ["an unknown role", { account_id: "a", projects: { p: "admin" } }],
    ["a hub that is almost one", { hub: "true" }],
  ])("that name %s are refused", async (_what, claims) => {
    await expect(bySecret().authenticate(shown(await sign(claims)))).rejects.toMatchObject({
      kind: "unauthenticated",
      message: expect.stringMatching(/claims|projects/),
    });
  });
});

describe("a token is refused by name, and never repeated,", () => {
  const unsigned = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(
    '{"account_id":"a","exp":9999999999}',
  ).toString("base64url")}.`;

  it.each<[string, () => Promise<string> | string, RegExp]>([
    ["when it has expired", () => sign({ sub: "a" }, { expiresIn: -60 }), /expired/],
    ["when it never expires", () => sign({ sub: "a" }, { expiresIn: undefined }), /"exp"/],
    ["when it lives too long", () => sign({ sub: "a" }, { expiresIn: 400 * HOUR_S }), /336 hours/],
    [
      "when another secret signed it",
      () => sign({ sub: "a" }, { key: secretKey.slice(1) }),
      /not signed/,
    ],
    ["when another algorithm signed it", () => sign({ sub: "a" }, { alg: "HS384" }), /not signed/],
    ["when nothing signed it", () => unsigned, /not signed|not a token/],
    ["when it is none", () => "x.y", /not a token/],
    ["when it is for somebody else", () => sign({ sub: "a", aud: "other" }), /"aud"/],
  ])("%s", async (_what, make, message) => {
    const token = await make();
    const verifier = bySecret({ audience: message.source.includes("aud") ? "us" : undefined });
    const failure: unknown = await verifier.authenticate(shown(token)).catch((error) => error);
    expect(failure).toMatchObject({
      kind: "unauthenticated",
      message: expect.stringMatching(message),
    });
    expect(String(failure)).not.toContain(token);
  });

  it("when there is none", async () => {
    await expect(bySecret().authenticate(shown())).rejects.toMatchObject({
      kind: "unauthenticated",
      message: expect.stringMatching(/no token/),
    });
  });
});

describe("a cookie", () => {
  it("is read where the handshake has no token, and can only be renewed by connecting again", async () => {
    const token = await sign({ sub: "alice" });
    const verifier = bySecret({ cookie: "session" });
    for (const cookie of [`session=${token}`, `a=b; session="${token}"; c=d`]) {
      const grant = await verifier.authenticate(shown(undefined, cookie));
      expect(grant).toMatchObject({ identity: { account_id: "alice" }, renewal: "reconnect" });
    }
    const other = await sign({ sub: "bob" });
    const grant = await verifier.authenticate(shown(other, `session=${token}`));
    expect(grant).toMatchObject({ identity: { account_id: "bob" }, renewal: "token" });
  });

  it("of another name, or where none is configured, does not count", async () => {
    const token = await sign({ sub: "alice" });
    for (const verifier of [bySecret({ cookie: "session" }), bySecret()]) {
      await expect(
        verifier.authenticate(shown(undefined, `xsession=${token}`)),
      ).rejects.toMatchObject({ kind: "unauthenticated" });
    }
  });
});

describe("published keys", () => {
  let keys: JWK[] = [];
  let fetches = 0;
  let isDown = false;
  const server = createServer((_request, response) => {
    fetches += 1;
    response.writeHead(isDown ? 500 : 200, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ keys }));
  });
  let jwksUrl = "";
  beforeAll(async () => {
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  });
  afterAll(() => new Promise((resolve) => void server.close(resolve)));

  async function newKey(kid: string) {
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    keys = [...keys, { ...(await exportJWK(publicKey)), kid, alg: "ES256" }];
    return { key: privateKey, alg: "ES256", kid };
  }

  it("are fetched once, and again when the issuer uses a new one", async () => {
    const first = await newKey("one");
    const verifier = new JwtAuthenticator({ jwksUrl, keysCooldownMs: 0 });
    for (let count = 0; count < 3; count += 1) {
      const grant = await verifier.authenticate(shown(await sign({ sub: "a" }, first)));
      expect(grant).toMatchObject({ identity: { account_id: "a" } });
    }
    expect(fetches).toBe(1);
    const second = await newKey("two");
    const grant = await verifier.authenticate(shown(await sign({ sub: "b" }, second)));
    expect(grant).toMatchObject({ identity: { account_id: "b" } });
    expect(fetches).toBe(2);
  });

  it("do not let a token pass that is signed with the public key as a secret", async () => {
    await newKey("public");
    const verifier = new JwtAuthenticator({ jwksUrl, secret: SECRET });
    const asSecret = new TextEncoder().encode(JSON.stringify(keys[0]));
    const forged = await sign({ sub: "a" }, { key: asSecret, kid: "public" });
    await expect(verifier.authenticate(shown(forged))).rejects.toMatchObject({
      kind: "unauthenticated",
    });
    await expect(
      new JwtAuthenticator({ jwksUrl }).authenticate(shown(forged)),
    ).rejects.toMatchObject({ kind: "unauthenticated" });
  });

  it("that do not name the signer's are a refusal; that cannot be had, a reason to try again", async () => {
    const { privateKey } = await generateKeyPair("ES256");
    const token = await sign({ sub: "a" }, { key: privateKey, alg: "ES256", kid: "unheard-of" });
    await expect(
      new JwtAuthenticator({ jwksUrl }).authenticate(shown(token)),
    ).rejects.toMatchObject({ kind: "unauthenticated" });
    isDown = true;
    await expect(
      new JwtAuthenticator({ jwksUrl }).authenticate(shown(token)),
    ).rejects.toMatchObject({ kind: "unavailable" });
    isDown = false;
  });
});

it.each([
  [{ secret: "short" }, /32/],
  [{}, /secret or a JWKS URL/],
  [{ jwksUrl: "http://keys.example/jwks" }, /https/],
  [{ jwksUrl: "keys" }, /https/],
])("%j is refused before anybody connects", (options, message) => {
  expect(() => new JwtAuthenticator(options)).toThrow(message);
});
