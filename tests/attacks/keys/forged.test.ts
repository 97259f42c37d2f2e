/**
 * Attacks on the form, the signature and the claims of a key. Each stands here with what an attacker would have to make; each passes if the
 * check it names is taken out of kernel/abi/keys.ts. Whose key may be used where: at-the-door.test.ts.
 */
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import { SignJWT } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { KEY_CHARS_MAX } from "../../../kernel/abi/bounds.ts";
import { BASE_TYP, TASK_TYP } from "../../../kernel/abi/claims.ts";
import { canonical, type Json } from "../../../kernel/abi/json.ts";
import { importPublicKeys, signClaims, verifyBase, verifyTask } from "../../../kernel/abi/keys.ts";
import {
  BASE64URL,
  b64,
  baseClaims,
  ISSUER,
  type KeyWorld,
  makeKeyWorld,
  NOW,
  newSigner,
  otherSignature,
  SECOND,
  type Signer,
  signed,
  taskClaims,
  withClaims,
} from "../../kernel/abi/key-world.ts";

let world: KeyWorld;
beforeAll(async () => {
  world = await makeKeyWorld();
});

type Attacks = Record<string, () => Promise<string> | string>;

/** A true signature over a good payload, under this header. */
const under = (header: Record<string, Json>) => signed(world.header(header), withClaims({}), world.base);
/** A true signature under a good header, over this payload. */
const over = (payload: string) => signed(world.header(), payload, world.base);
const claiming = (change: Record<string, unknown>) => over(withClaims(change));

/** An attacker's own key pair, which signs under `header`. */
async function own(header: (own: Signer) => Record<string, Json>): Promise<string> {
  const signer = await newSigner();
  return signed(world.header(header(signer)), withClaims({}), signer);
}

/** Signed as `alg` says, by a key pair of the attacker's. */
function foreign(alg: string, type: "rsa" | "ed25519" | "ec"): string {
  const input = `${b64(world.header({ alg }))}.${b64(withClaims({}))}`;
  const pair = {
    rsa: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
    ed25519: () => generateKeyPairSync("ed25519"),
    ec: () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  }[type]();
  const digest = type === "ed25519" ? null : "sha256";
  return `${input}.${sign(digest, Buffer.from(input), pair.privateKey).toString("base64url")}`;
}

function refusedAsInvalid(attacks: Attacks): void {
  for (const [name, attack] of Object.entries(attacks))
    test(`${name} is refused`, async () => {
      expect(await verifyBase(await attack(), world.keys, NOW)).toMatchObject({ end: "refused", code: "KEY_INVALID" });
    });
}

test("the key that all these attacks change is good", async () => {
  for (const token of [await world.good(), await under({}), await claiming({})])
    expect(await verifyBase(token, world.keys, NOW)).toEqual({ end: "done", value: baseClaims });
});

describe("the algorithm: the verifier's choice, never the token's", () => {
  refusedAsInvalid({
    "none without a signature": () => `${b64(world.header({ alg: "none" }))}.${b64(withClaims({}))}.`,
    "none over a true signature": () => under({ alg: "none" }),
    "nOnE over a true signature": () => under({ alg: "nOnE" }),
    "HS256 with the public key as its secret": () => {
      const input = `${b64(world.header({ alg: "HS256" }))}.${b64(withClaims({}))}`;
      return `${input}.${createHmac("sha256", canonical(world.base.jwk)).update(input).digest("base64url")}`;
    },
    "HS256 over a true ES256 signature": () => under({ alg: "HS256" }),
    "es256 in small letters": () => under({ alg: "es256" }),
    "RS256, signed by an RSA key": () => foreign("RS256", "rsa"),
    "ES384, signed by a P-384 key": () => foreign("ES384", "ec"),
    "EdDSA, signed by an Ed25519 key": () => foreign("EdDSA", "ed25519"),
    "an empty algorithm": () => under({ alg: "" }),
    "a list of algorithms": () => under({ alg: ["ES256"] }),
    "no algorithm": () => signed(canonical({ kid: world.base.jwk.kid, typ: BASE_TYP }), withClaims({}), world.base),
  });
});

describe("the signing key: the kernel's choice, never the token's", () => {
  refusedAsInvalid({
    "an own key as jwk, under our kid": () => own(({ jwk }) => ({ jwk: jwk as never })),
    "an own key as jwk, under its kid": () => own(({ jwk }) => ({ jwk: jwk as never, kid: jwk.kid })),
    "our own key as jwk": () => under({ jwk: world.base.jwk as never }),
    "an own key under our kid": () => own(() => ({})),
    "a certificate chain (x5c)": () => own(() => ({ x5c: ["MIIBszCCAVmgAwIBAgIU"] })),
    "a certificate URL (x5u)": () => own(() => ({ x5u: "https://example.org/chain.pem" })),
    "a certificate thumbprint (x5t#S256)": () => under({ "x5t#S256": "A".repeat(43) }),
    "a key URL (jku)": () => under({ jku: "https://example.org/keys" }),
    "a critical extension": () => under({ crit: ["exp"] }),
    "an empty list of critical extensions": () => under({ crit: [] }),
    "an unencoded payload (b64 false)": () => under({ b64: false, crit: ["b64"] }),
    "a compressed payload (zip)": async () => {
      const input = `${b64(world.header({ zip: "DEF" }))}.${deflateRawSync(withClaims({})).toString("base64url")}`;
      return `${input}.${(await world.good()).split(".")[2]}`;
    },
    "zip named over a plain payload": () => under({ zip: "DEF" }),
    "encryption named (enc)": () => under({ enc: "A256GCM" }),
    "a content type (cty)": () => under({ cty: "JWT" }),
  });
});

describe("the kid: one of ours, exactly", () => {
  refusedAsInvalid({
    "an unknown one": () => under({ kid: "0".repeat(43) }),
    "an empty one": () => under({ kid: "" }),
    "a path": () => under({ kid: "../../../../dev/null" }),
    "a URL": () => under({ kid: "https://example.org/key" }),
    SQL: () => under({ kid: "x' UNION SELECT 'key' --" }),
    "a shell's pipe": () => under({ kid: "key|cat /etc/passwd" }),
    "a prototype name": () => under({ kid: "constructor" }),
    __proto__: () => under({ kid: "__proto__" }),
    "a list with ours in it": () => under({ kid: [world.base.jwk.kid] }),
    "a number": () => under({ kid: 0 }),
    null: () => under({ kid: null }),
    "ours with a space behind it": () => under({ kid: `${world.base.jwk.kid} ` }),
    "ours with U+0000 behind it": () => under({ kid: `${world.base.jwk.kid}\u0000` }),
    "ours in capitals": () => under({ kid: world.base.jwk.kid.toUpperCase() }),
    "the one of task keys": () => under({ kid: world.task.jwk.kid }),
    "none at all": () => signed(canonical({ alg: "ES256", typ: BASE_TYP }), withClaims({}), world.base),
  });
});

describe("the kind: a base key is no task key", () => {
  refusedAsInvalid({
    "no typ": () => signed(canonical({ alg: "ES256", kid: world.base.jwk.kid }), withClaims({}), world.base),
    "typ JWT": () => under({ typ: "JWT" }),
    "typ in capitals": () => under({ typ: BASE_TYP.toUpperCase() }),
    "typ as a media type": () => under({ typ: `application/${BASE_TYP}` }),
    "typ of a task key": () => under({ typ: TASK_TYP }),
    "a base key signed with the task's signing key": () =>
      signClaims(BASE_TYP, world.task.jwk.kid, baseClaims, world.task.key),
    "a base key signed with it under the base kid": () =>
      signClaims(BASE_TYP, world.base.jwk.kid, baseClaims, world.task.key),
    "a task key as a base key": () => world.goodTask(),
    "a task key's claims as a base key": () => signClaims(BASE_TYP, world.base.jwk.kid, taskClaims, world.base.key),
  });

  test("a base key as a task key is refused", async () => {
    expect(await verifyTask(await world.good(), world.keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
    const crossed = await signClaims(TASK_TYP, world.base.jwk.kid, taskClaims, world.base.key);
    expect(await verifyTask(crossed, world.keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
  });
});

describe("the claims: each once, each exact", () => {
  refusedAsInvalid({
    "a claim twice": () => over(withClaims({}).replace("{", '{"role":"refund-manager",')),
    "a claim twice, one spelt with an escape": () =>
      over(withClaims({}).replace("{", '{"\\u0072ole":"refund-manager",')),
    "a claim that looks alike (a Cyrillic o in role)": () => claiming({ "r\u043ele": "refund-manager" }),
    "a look-alike in place of the claim": () => over(withClaims({ "r\u043ele": "refund-agent" }, ["role"])),
    "a claim in capitals": () => claiming({ ROLE: "refund-manager" }),
    "a claim with a space behind it": () => claiming({ "role ": "refund-manager" }),
    "a claim with an invisible character": () => claiming({ "role\u200b": "refund-manager" }),
    "a role that looks alike": () => claiming({ role: "refund-\u0430gent" }),
    "a capability that looks alike": () => claiming({ capabilities: { "refund:cr\u0435ate": [] } }),
    "__proto__ as a claim": () => over(withClaims({}).replace("{", '{"__proto__":{"role":"refund-manager"},')),
    "an unknown claim": () => claiming({ admin: true }),
    "another audience": () => claiming({ aud: "silo-vault" }),
    "a list of audiences, ours among them": () => claiming({ aud: ["silo-door", "silo-vault"] }),
    "another appliance's issuer": () => claiming({ iss: "silo-fedcba9876543210" }),
    "a list of issuers": () => claiming({ iss: [ISSUER] }),
    "exp as text": () => claiming({ exp: String(SECOND + 60) }),
    "exp far away": () => claiming({ exp: 1e18 }),
    "exp as a fraction": () => claiming({ exp: SECOND + 60.5 }),
    "exp before iat by more than all time": () => claiming({ exp: -1 }),
    "issued a second from now": () => claiming({ iat: SECOND + 1 }),
    "issued an hour from now, in force already": () => claiming({ iat: SECOND + 3600, exp: SECOND + 7200 }),
    "not before a second from now": () => claiming({ nbf: SECOND + 1 }),
    "claims that are a list": () => over("[]"),
    "claims that are null": () => over("null"),
    "claims that are not JSON": () => over("role=admin"),
    "claims nested 4,000 deep": () => over(`${"[".repeat(4000)}${"]".repeat(4000)}`),
    "objects nested 1,000 deep in a claim": () =>
      over(withClaims({}).replace("{", `{"a":${'{"a":'.repeat(1000)}1${"}".repeat(1000)},`)),
  });

  for (const claim of ["iss", "aud", "sub", "jti", "iat", "nbf", "exp"])
    test(`a key without ${claim} is refused`, async () => {
      const token = await over(withClaims({}, [claim]));
      expect(await verifyBase(token, world.keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
    });

  test("expired by one second is expired", async () => {
    const token = await claiming({ iat: SECOND - 60, nbf: SECOND - 60, exp: SECOND - 1 });
    expect(await verifyBase(token, world.keys, NOW)).toMatchObject({ code: "KEY_EXPIRED" });
  });

  test("expired and forged is not called expired: only a true key learns that", async () => {
    const token = await claiming({ iat: SECOND - 60, nbf: SECOND - 60, exp: SECOND - 1 });
    const forged = token.replace(/[^.]+$/, "A".repeat(86));
    expect(await verifyBase(forged, world.keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
  });

  test("a key of a signing key that no longer verifies is refused, expired or not", async () => {
    const other = await newSigner();
    const keys = await importPublicKeys({ issuer: ISSUER, base: [other.jwk], task: [world.task.jwk] });
    expect(await verifyBase(await world.good(), keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
  });
});

describe("the form: one spelling", () => {
  refusedAsInvalid({
    "no token at all": () => "",
    "one dot": () => ".",
    "two dots": () => "..",
    "two parts": async () => (await world.good()).split(".").slice(0, 2).join("."),
    "four parts": async () => `${await world.good()}.`,
    "five parts, as if encrypted": async () => `${await world.good()}.AAAA.AAAA`,
    "the JSON serialisation": async () => {
      const [header = "", payload = "", signature = ""] = (await world.good()).split(".");
      return JSON.stringify({ protected: header, payload, signature });
    },
    "a header that is not JSON": () => signed("alg=ES256", withClaims({}), world.base),
    "a header that is null": () => signed("null", withClaims({}), world.base),
    "a header that is a number": () => signed("256", withClaims({}), world.base),
    "a header that is a list": () => signed('["ES256"]', withClaims({}), world.base),
    "a header with white space": () => signed(` ${world.header()}`, withClaims({}), world.base),
    "a header in another order": () =>
      signed(`{"typ":"${BASE_TYP}","kid":"${world.base.jwk.kid}","alg":"ES256"}`, withClaims({}), world.base),
    "a header member twice": () => signed(world.header().replace("{", '{"alg":"none",'), withClaims({}), world.base),
    "claims in another order": () => over(JSON.stringify(Object.fromEntries(Object.entries(baseClaims).toReversed()))),
    "claims with white space": () => over(`${withClaims({})}\n`),
    "claims with a byte order mark": () => over(`\uFEFF${withClaims({})}`),
    "claims with an escaped letter": () => over(withClaims({}).replace("refund", "\\u0072efund")),
    "claims with a number spelt another way": () => over(withClaims({}).replace(`${SECOND}`, `${SECOND}.0`)),
    "padding on the signature": async () => `${await world.good()}==`,
    "padding on the payload": async () => (await world.good()).replace(/\.(?=[^.]*$)/, "=."),
    "white space at the end": async () => `${await world.good()}\n`,
    "white space at the beginning": async () => ` ${await world.good()}`,
    "white space inside": async () => (await world.good()).replace(".", ". "),
    "the other base64 alphabet": async () => `${(await world.good()).replaceAll("-", "+").replaceAll("_", "/")}=`,
    "a token longer than a key may be": async () => `${await world.good()}${"A".repeat(KEY_CHARS_MAX)}`,
    "one megabyte of claims, truly signed": () => claiming({ sub: "s".repeat(1024 * 1024) }),
    "ten megabytes of dots": () => "A.".repeat(5_000_000),
  });

  for (const part of [0, 1, 2])
    test(`of the 64 last characters of part ${part + 1} exactly one verifies`, async () => {
      const parts = (await world.good()).split(".");
      const text = parts[part] as string;
      const spelt = [...BASE64URL].map((last) => parts.with(part, text.slice(0, -1) + last).join("."));
      const ends = await Promise.all(spelt.map((token) => verifyBase(token, world.keys, NOW)));
      expect(ends.filter((end) => end.end === "done")).toHaveLength(1);
    });

  test("no change of one character of a key verifies", async () => {
    const token = await world.good();
    for (let at = 0; at < token.length; at += 7) {
      const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
      expect((await verifyBase(changed, world.keys, NOW)).end).toBe("refused");
    }
  });

  test("a key a JWT library signs in another member order is refused", async () => {
    const token = await new SignJWT({ ...baseClaims })
      .setProtectedHeader({ typ: BASE_TYP, alg: "ES256", kid: world.base.jwk.kid })
      .sign(world.base.key);
    expect(await verifyBase(token, world.keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
  });
});

describe("the signature: this key's, over these bytes, the lower of the two", () => {
  const withSignature = async (change: (raw: Buffer) => Buffer) => {
    const [header, payload, signature = ""] = (await world.good()).split(".");
    return `${header}.${payload}.${change(Buffer.from(signature, "base64url")).toString("base64url")}`;
  };
  refusedAsInvalid({
    "the other signature ECDSA accepts (r, n - s)": async () => otherSignature(await world.good()),
    zeros: () => withSignature((raw) => raw.fill(0)),
    "r of zero": () => withSignature((raw) => raw.fill(0, 0, 32)),
    "s of zero": () => withSignature((raw) => raw.fill(0, 32)),
    "r and s exchanged": () => withSignature((raw) => Buffer.concat([raw.subarray(32), raw.subarray(0, 32)])),
    "one byte short": () => withSignature((raw) => raw.subarray(0, 63)),
    "one byte long": () => withSignature((raw) => Buffer.concat([raw, Buffer.alloc(1)])),
    "in DER": () =>
      withSignature((raw) => {
        const integer = (half: Buffer) => Buffer.concat([Buffer.from([2, half.length + 1, 0]), half]);
        const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))]);
        return Buffer.concat([Buffer.from([0x30, body.length]), body]);
      }),
    "of another key's claims": async () => {
      const [header, , signature] = (await world.good()).split(".");
      return `${header}.${b64(withClaims({ role: "refund-manager" }))}.${signature}`;
    },
    "by the same key over something else": async () => {
      const other = await signed('{"alg":"ES256"}', "challenge", world.base);
      return `${(await world.good()).split(".").slice(0, 2).join(".")}.${other.split(".")[2]}`;
    },
  });
});
