import { createPrivateKey, sign } from "node:crypto";
import { ConatError } from "@conat/conat/internal";
import { publicKeyOf } from "../nats-server/index.ts";

/**
 * Signs JWTs of NATS with the key of an account. With the crypto of the system: the library for these JWTs takes 30 ms
 * for each, in which a hub that somebody keeps busy could do nothing else.
 */
export class NatsIssuer {
  /** `A…` */
  readonly publicKey: string;
  readonly #key: ReturnType<typeof createPrivateKey>;

  /** @throws ConatError `bad-options` when it is not the seed (`SA…`) of an account */
  constructor(seed: string) {
    if (!seed.startsWith("SA")) {
      throw new ConatError("bad-options", "the issuer must be the seed (SA…) of an account's key");
    }
    this.publicKey = publicKeyOf(seed);
    const der = Buffer.concat([PKCS8_ED25519, decodeSeed(seed)]);
    this.#key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  }

  sign(claims: { readonly sub: string; readonly aud: string; readonly nats: object }): string {
    const now = Math.floor(Date.now() / 1_000);
    const body = { ...claims, iss: this.publicKey, iat: now, jti: crypto.randomUUID() };
    const text = `${toBase64Url({ typ: "JWT", alg: "ed25519-nkey" })}.${toBase64Url(body)}`;
    return `${text}.${sign(null, Buffer.from(text), this.#key).toString("base64url")}`;
  }
}

/** What stands before the 32 bytes of a private key (RFC 8410, section 7). */
const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const PREFIX_BYTES = 2;
const KEY_BYTES = 32;

/** The key in a seed: base32 of a prefix, the key and a checksum, which whoever gave the public key has checked. */
function decodeSeed(seed: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const char of seed) {
    value = ((value << 5) | BASE32.indexOf(char)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >> bits) & 0xff);
  }
  return Buffer.from(bytes.slice(PREFIX_BYTES, PREFIX_BYTES + KEY_BYTES));
}

function toBase64Url(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
