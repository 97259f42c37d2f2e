import { createHmac, randomBytes } from "node:crypto";
import type { CryptoKey } from "jose";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { BASE_KEY_SECONDS_MAX, KEY_CHARS_MAX, TASK_KEY_SECONDS_MAX } from "../../../kernel/abi/bounds.ts";
import { BASE_TYP, type BaseClaims, TASK_TYP, type TaskClaims } from "../../../kernel/abi/claims.ts";
import { Violation } from "../../../kernel/abi/frames.ts";
import { canonical, type Json } from "../../../kernel/abi/json.ts";
import {
  importPublicKeys,
  KeyCache,
  type PublicJwk,
  type PublicKeys,
  signClaims,
  verifyBase,
  verifyTask,
} from "../../../kernel/abi/keys.ts";

type Signer = { key: CryptoKey; jwk: PublicJwk };

const NOW = 1_800_000_000_000;
const SECOND = NOW / 1000;
const ISSUER = "silo-0123456789abcdef";
let base: Signer;
let task: Signer;
let keys: PublicKeys;

const baseClaims: BaseClaims = {
  iss: ISSUER,
  aud: "silo-door",
  sub: "refund-agent",
  jti: "0123456789abcdef",
  iat: SECOND,
  nbf: SECOND,
  exp: SECOND + 3600,
  role: "refund-agent",
  bundles: ["a".repeat(64)],
  capabilities: { "refund:create": [{ measure: "amount", scope: "call", unit: "USD", max: 50_000 }] },
  escalates_to: ["refund-manager"],
  subagents: [],
};
const taskClaims: TaskClaims = {
  iss: ISSUER,
  aud: "silo-door",
  sub: "task_0123456789abcdef",
  jti: "0123456789abcdef",
  iat: SECOND,
  nbf: SECOND,
  exp: SECOND + 600,
  task: "task_0123456789abcdef",
  case: "case_0123456789abcdef",
  assignment: "asgn_0123456789abcdef",
  customer: "tok_8f3k2000",
  event: "b".repeat(64),
  role: "refund-agent",
  bundle: "a".repeat(64),
  cell: "cell_0123456789abcdef",
  epoch: 1,
  mode: "live",
};

async function newSigner(): Promise<Signer> {
  const pair = await generateKeyPair("ES256", { extractable: true });
  const { kty, crv, x, y } = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint({ kty, crv, x, y } as never);
  return { key: pair.privateKey, jwk: { kty, crv, x, y, kid } as PublicJwk };
}

beforeAll(async () => {
  base = await newSigner();
  task = await newSigner();
  keys = await importPublicKeys({ issuer: ISSUER, base: [base.jwk], task: [task.jwk] });
});

/** A token with any header and payload text, really signed with the base key. */
async function signed(header: string, payload: string, signer = base): Promise<string> {
  const input = `${b64(header)}.${b64(payload)}`;
  const signature = await crypto.subtle.sign(
    { name: "ECDSA", hash: "SHA-256" },
    signer.key as never,
    Buffer.from(input),
  );
  return `${input}.${Buffer.from(signature).toString("base64url")}`;
}

function b64(text: string): string {
  return Buffer.from(text).toString("base64url");
}

function goodHeader(spare: Record<string, Json> = {}): string {
  return canonical({ alg: "ES256", kid: base.jwk.kid, typ: BASE_TYP, ...spare });
}

function withClaims(change: Record<string, unknown>, drop: string[] = []): string {
  const claims: Record<string, unknown> = { ...baseClaims, ...change };
  for (const name of drop) delete claims[name];
  return canonical(claims as Json);
}

const good = () => signClaims(BASE_TYP, base.jwk.kid, baseClaims, base.key);

describe("a key this appliance made", () => {
  test("a base key verifies and gives its claims", async () => {
    expect(await verifyBase(await good(), keys, NOW)).toEqual({ end: "done", value: baseClaims });
  });

  test("a task key verifies and gives its claims", async () => {
    const token = await signClaims(TASK_TYP, task.jwk.kid, taskClaims, task.key);
    expect(await verifyTask(token, keys, NOW)).toEqual({ end: "done", value: taskClaims });
  });

  test("it is good until the last millisecond before exp and expired from then on", async () => {
    const token = await good();
    expect((await verifyBase(token, keys, NOW + 3600_000 - 1)).end).toBe("done");
    expect(await verifyBase(token, keys, NOW + 3600_000)).toMatchObject({ code: "KEY_EXPIRED" });
    expect(await verifyBase(token, keys, NOW + 3601_000)).toMatchObject({ code: "KEY_EXPIRED" });
  });

  test("the longest life is allowed and a second more is not", async () => {
    const longest = await signed(goodHeader(), withClaims({ exp: SECOND + BASE_KEY_SECONDS_MAX }));
    expect((await verifyBase(longest, keys, NOW)).end).toBe("done");
    const longer = await signed(goodHeader(), withClaims({ exp: SECOND + BASE_KEY_SECONDS_MAX + 1 }));
    expect(await verifyBase(longer, keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
    const taskLonger = { ...taskClaims, exp: SECOND + TASK_KEY_SECONDS_MAX + 1 };
    const token = await signClaims(TASK_TYP, task.jwk.kid, taskLonger, task.key);
    expect(await verifyTask(token, keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
  });
});

test("a key as long as a key may be verifies, and the next longer one does not", async () => {
  const entries = Array.from({ length: 600 }, (_, n): [string, Json] => [`c:n${String(n).padStart(20, "0")}`, []]);
  const withSize = (count: number, sub: number) => {
    const capabilities = Object.fromEntries(entries.slice(0, count));
    return signClaims(BASE_TYP, base.jwk.kid, { ...baseClaims, capabilities, sub: "s".repeat(sub) }, base.key);
  };
  let count = 350;
  while (count < entries.length && (await withSize(count, 100)).length <= KEY_CHARS_MAX) count++;
  const tokens = await Promise.all(Array.from({ length: 100 }, (_, sub) => withSize(count, sub + 1)));
  const longest = tokens.findLast((token) => token.length <= KEY_CHARS_MAX) ?? "";
  const next = tokens.find((token) => token.length > KEY_CHARS_MAX) ?? "";
  expect(next.length - longest.length).toBeLessThanOrEqual(2);
  expect((await verifyBase(longest, keys, NOW)).end).toBe("done");
  expect(await verifyBase(next, keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
});

describe("attacks on a key", () => {
  const attacks: Record<string, () => Promise<string> | string> = {
    "no token at all": () => "",
    "two parts": async () => (await good()).split(".").slice(0, 2).join("."),
    "four parts": async () => `${await good()}.`,
    "alg none, no signature": () => `${b64(goodHeader({ alg: "none" }))}.${b64(withClaims({}))}.`,
    "alg none, a signature": () => signed(goodHeader({ alg: "none" }), withClaims({})),
    "HS256 with the public key as its secret": () => {
      const input = `${b64(goodHeader({ alg: "HS256" }))}.${b64(withClaims({}))}`;
      return `${input}.${createHmac("sha256", canonical(base.jwk)).update(input).digest("base64url")}`;
    },
    "HS256 named over a true ES256 signature": () => signed(goodHeader({ alg: "HS256" }), withClaims({})),
    "an own key embedded as jwk": async () => {
      const own = await newSigner();
      return signed(goodHeader({ jwk: own.jwk as never }), withClaims({}), own);
    },
    "an own key under our kid": async () => signed(goodHeader(), withClaims({}), await newSigner()),
    "a key URL": () => signed(goodHeader({ jku: "https://example.org/keys" }), withClaims({})),
    "a critical extension": () => signed(goodHeader({ crit: ["exp"] }), withClaims({})),
    "an unencoded payload (b64 false)": () => signed(goodHeader({ b64: false, crit: ["b64"] }), withClaims({})),
    "an unknown kid": () => signed(goodHeader({ kid: "0".repeat(43) }), withClaims({})),
    "a kid that is a path": () => signed(goodHeader({ kid: "../../dev/null" }), withClaims({})),
    "a kid that is a prototype name": () => signed(goodHeader({ kid: "constructor" }), withClaims({})),
    "a kid that is a list": () => signed(goodHeader({ kid: [base.jwk.kid] }), withClaims({})),
    "no kid": () => signed(canonical({ alg: "ES256", typ: BASE_TYP }), withClaims({})),
    "no typ": () => signed(canonical({ alg: "ES256", kid: base.jwk.kid }), withClaims({})),
    "typ JWT": () => signed(goodHeader({ typ: "JWT" }), withClaims({})),
    "typ in capitals": () => signed(goodHeader({ typ: BASE_TYP.toUpperCase() }), withClaims({})),
    "typ as a media type": () => signed(goodHeader({ typ: `application/${BASE_TYP}` }), withClaims({})),
    "a header that is a list": () => signed('["ES256"]', withClaims({})),
    "a header with white space": () => signed(` ${goodHeader()}`, withClaims({})),
    "a header in another order": () =>
      signed(`{"typ":"${BASE_TYP}","kid":"${base.jwk.kid}","alg":"ES256"}`, withClaims({})),
    "a header member twice": () => signed(goodHeader().replace("{", '{"alg":"none",'), withClaims({})),
    "a claim twice": () => signed(goodHeader(), withClaims({}).replace("{", '{"role":"refund-manager",')),
    "claims with white space": () => signed(goodHeader(), `${withClaims({})}\n`),
    "claims with a byte order mark": () => signed(goodHeader(), `\uFEFF${withClaims({})}`),
    "claims with an escaped letter": () => signed(goodHeader(), withClaims({}).replace("refund", "\\u0072efund")),
    "claims that are a list": () => signed(goodHeader(), "[]"),
    "claims that are not JSON": () => signed(goodHeader(), "role=admin"),
    "claims nested deeper than allowed": () => signed(goodHeader(), `${"[".repeat(4000)}${"]".repeat(4000)}`),
    "an unknown claim": () => signed(goodHeader(), withClaims({ admin: true })),
    "another audience": () => signed(goodHeader(), withClaims({ aud: "silo-vault" })),
    "a list of audiences": () => signed(goodHeader(), withClaims({ aud: ["silo-door", "silo-vault"] })),
    "another issuer": () => signed(goodHeader(), withClaims({ iss: "silo-fedcba9876543210" })),
    "exp as text": () => signed(goodHeader(), withClaims({ exp: String(SECOND + 60) })),
    "exp far away": () => signed(goodHeader(), withClaims({ exp: 1e18 })),
    "exp as a fraction": () => signed(goodHeader(), withClaims({ exp: SECOND + 60.5 })),
    "issued a second from now": () => signed(goodHeader(), withClaims({ iat: SECOND + 1 })),
    "not before a second from now": () => signed(goodHeader(), withClaims({ nbf: SECOND + 1 })),
    "a signature of zeros": async () => (await good()).replace(/[^.]+$/, "A".repeat(86)),
    "a signature of another key's claims": async () => {
      const [header, , signature] = (await good()).split(".");
      return `${header}.${b64(withClaims({ role: "refund-manager" }))}.${signature}`;
    },
    "a DER signature": async () => {
      const [header, payload, signature] = (await good()).split(".") as [string, string, string];
      const raw = Buffer.from(signature, "base64url");
      const integer = (half: Buffer) => Buffer.concat([Buffer.from([2, half.length + 1, 0]), half]);
      const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))]);
      const der = Buffer.concat([Buffer.from([0x30, body.length]), body]);
      return `${header}.${payload}.${der.toString("base64url")}`;
    },
    "padding on the signature": async () => `${await good()}==`,
    "white space at the end": async () => `${await good()}\n`,
    "white space inside": async () => (await good()).replace(".", ". "),
    "the other base64 alphabet": async () => `${(await good()).replaceAll("-", "+").replaceAll("_", "/")}=`,
    "a token longer than a key may be": async () => `${await good()}${"A".repeat(KEY_CHARS_MAX)}`,
    "ten megabytes": () => "A.".repeat(5_000_000),
    "a base key signed with the task's signing key": () => signClaims(BASE_TYP, task.jwk.kid, baseClaims, task.key),
    "a base key under the task's kid": () => signClaims(BASE_TYP, task.jwk.kid, baseClaims, base.key),
    "a task key as a base key": () => signClaims(TASK_TYP, task.jwk.kid, taskClaims, task.key),
    "a task key's claims as a base key": () => signClaims(BASE_TYP, base.jwk.kid, taskClaims, base.key),
  };
  for (const [name, attack] of Object.entries(attacks)) {
    test(`${name} is refused`, async () => {
      expect(await verifyBase(await attack(), keys, NOW)).toMatchObject({ end: "refused", code: "KEY_INVALID" });
    });
  }

  for (const claim of ["iss", "aud", "sub", "jti", "iat", "nbf", "exp"]) {
    test(`a key without ${claim} is refused`, async () => {
      const token = await signed(goodHeader(), withClaims({}, [claim]));
      expect(await verifyBase(token, keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
    });
  }

  test("a base key as a task key is refused", async () => {
    expect(await verifyTask(await good(), keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
    const crossed = await signClaims(TASK_TYP, base.jwk.kid, taskClaims, base.key);
    expect(await verifyTask(crossed, keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
  });

  test("of the 64 last characters of the signature exactly one verifies", async () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const token = await good();
    const ends = await Promise.all([...alphabet].map((last) => verifyBase(token.slice(0, -1) + last, keys, NOW)));
    expect(ends.filter((end) => end.end === "done")).toHaveLength(1);
  });

  test("the last characters of header and payload have one spelling too", async () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (const part of [0, 1]) {
      const parts = (await good()).split(".");
      const text = parts[part] as string;
      const ends = await Promise.all(
        [...alphabet].map((last) => verifyBase(parts.with(part, text.slice(0, -1) + last).join("."), keys, NOW)),
      );
      expect(ends.filter((end) => end.end === "done")).toHaveLength(1);
    }
  });

  test("no change of one character of a key verifies", async () => {
    const token = await good();
    for (let at = 0; at < token.length; at += 7) {
      const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
      expect((await verifyBase(changed, keys, NOW)).end).toBe("refused");
    }
  });

  test("a key a JWT library signs in another member order is refused: there is one spelling", async () => {
    const token = await new SignJWT({ ...baseClaims })
      .setProtectedHeader({ typ: BASE_TYP, alg: "ES256", kid: base.jwk.kid })
      .sign(base.key);
    expect(await verifyBase(token, keys, NOW)).toMatchObject({ code: "KEY_INVALID" });
  });
});

describe("the door's key sets", () => {
  test("anything but a public P-256 key is a violation", async () => {
    const sets: unknown[] = [
      null,
      { ...base.jwk, d: "A".repeat(43) },
      { ...base.jwk, kty: "oct", k: "AAAA" },
      { ...base.jwk, crv: "P-384" },
      { ...base.jwk, kid: "short" },
    ];
    for (const jwk of sets) {
      await expect(importPublicKeys({ issuer: ISSUER, base: [jwk], task: [] })).rejects.toThrow(Violation);
    }
  });
});

describe("the cache", () => {
  test("a remembered key is refused from the moment it expires", async () => {
    const cache = new KeyCache(keys);
    const token = await good();
    const first = await cache.verifyBase(token, NOW);
    expect(await cache.verifyBase(token, NOW + 3600_000 - 1)).toBe(first);
    expect(await cache.verifyBase(token, NOW + 3600_000)).toMatchObject({ code: "KEY_EXPIRED" });
  });

  test("a clock gone back before nbf is not answered from memory", async () => {
    const cache = new KeyCache(keys);
    const token = await good();
    await cache.verifyBase(token, NOW);
    expect((await cache.verifyBase(token, NOW - 1000)).end).toBe("refused");
  });

  test("a remembered base key is still no task key", async () => {
    const cache = new KeyCache(keys);
    const token = await good();
    await cache.verifyBase(token, NOW);
    expect(await cache.verifyTask(token, NOW)).toMatchObject({ code: "KEY_INVALID" });
  });

  test("new signing keys void what the old ones signed", async () => {
    const cache = new KeyCache(keys);
    const token = await good();
    await cache.verifyBase(token, NOW);
    const other = await newSigner();
    cache.replaceKeys(await importPublicKeys({ issuer: ISSUER, base: [other.jwk], task: [task.jwk] }));
    expect(await cache.verifyBase(token, NOW)).toMatchObject({ code: "KEY_INVALID" });
  });

  test("a verification that was under way when the keys changed is not remembered", async () => {
    const cache = new KeyCache(keys);
    const token = await good();
    const underWay = cache.verifyBase(token, NOW);
    cache.replaceKeys(await importPublicKeys({ issuer: ISSUER, base: [], task: [] }));
    await underWay;
    expect(await cache.verifyBase(token, NOW)).toMatchObject({ code: "KEY_INVALID" });
  });

  test("a forgotten key is verified anew", async () => {
    const cache = new KeyCache(keys);
    const token = await good();
    const first = await cache.verifyBase(token, NOW);
    cache.forget(token);
    const second = await cache.verifyBase(token, NOW);
    expect(second).toEqual(first);
    expect(second).not.toBe(first);
  });

  test("it holds as many keys as it may: the one used longest ago makes room", async () => {
    const cache = new KeyCache(keys, 2);
    const tokens = await Promise.all(
      ["a", "b", "c"].map((letter) => signed(goodHeader(), withClaims({ jti: letter.repeat(16) }))),
    );
    const [a, b, c] = tokens as [string, string, string];
    const endA = await cache.verifyBase(a, NOW);
    const endB = await cache.verifyBase(b, NOW);
    expect(await cache.verifyBase(a, NOW)).toBe(endA);
    await cache.verifyBase(c, NOW);
    expect(await cache.verifyBase(a, NOW)).toBe(endA);
    expect(await cache.verifyBase(b, NOW)).not.toBe(endB);
  });

  test("refusals are not remembered, so strangers cannot fill it", async () => {
    const cache = new KeyCache(keys, 1);
    const token = await good();
    const first = await cache.verifyBase(token, NOW);
    for (let n = 0; n < 10; n++) await cache.verifyBase(randomBytes(100).toString("base64url"), NOW);
    expect(await cache.verifyBase(token, NOW)).toBe(first);
  });
});
