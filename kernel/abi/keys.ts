/**
 * The two keys: made by the kernel, verified by the door.
 *
 * Threat: a cell presents a key that nobody signed, that was signed for something else (the other kind, another
 * appliance), that has run out, or another spelling of a key that was refused; or it makes the verifier choose the
 * algorithm or the key.
 * Contract: ES256 only, one signing key set per kind, header exactly {alg, kid, typ}, both parts canonical JSON in
 * canonical base64url, the lower of the two signatures that ECDSA has for each, every registered claim present and in force. A token has
 * one spelling, so its digest is its name.
 * Failure: KEY_EXPIRED when only the time is wrong, KEY_INVALID for everything else, without saying what. Nothing throws on a
 * stranger's input.
 */
import type { CryptoKey } from "jose";
import { JWTExpired } from "jose/errors";
import { CompactSign } from "jose/jws/compact/sign";
import { jwtVerify } from "jose/jwt/verify";
import { importJWK } from "jose/key/import";
import { type Static, Type } from "typebox";
import { compile } from "../process/schema.ts";
import { BASE_KEY_SECONDS_MAX, KEY_CHARS_MAX, TASK_KEY_SECONDS_MAX } from "./bounds.ts";
import { BASE_TYP, BaseClaims, TASK_TYP, TaskClaims } from "./claims.ts";
import { done, type End, refused } from "./ends.ts";
import { Violation } from "./frames.ts";
import { canonical, type Json, parseExact } from "./json.ts";

/** The public half of one signing key, as it crosses from the kernel to the door. `kid` is its RFC 7638 thumbprint. */
export const PublicJwk = Type.Object(
  {
    kty: Type.Literal("EC"),
    crv: Type.Literal("P-256"),
    x: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" }),
    y: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" }),
    kid: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" }),
  },
  { additionalProperties: false },
);
export type PublicJwk = Static<typeof PublicJwk>;

/** What verifies now. Another object whenever that changes. */
export type PublicKeys = {
  readonly issuer: string;
  readonly base: ReadonlyMap<string, CryptoKey>;
  readonly task: ReadonlyMap<string, CryptoKey>;
};

/** What sets one kind of key apart from the other. */
type Kind<C> = {
  set: "base" | "task";
  typ: string;
  secondsMax: number;
  check: (value: unknown) => { ok: true; value: C } | { ok: false };
};

type Times = { iat: number; nbf: number; exp: number };

export const AUDIENCE = "silo-door";
const ALGORITHM = "ES256";
/** A signature is r and s of P-256, so long each. */
const HALF_BYTES = 32;
/** Order of the curve (SEC 2, 2.4.2). Where (r, s) verifies, (r, order - s) does too: only the s that is not above the middle is ours. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const MIDDLE = Buffer.from((ORDER >> 1n).toString(16), "hex");

const baseKind: Kind<BaseClaims> = {
  set: "base",
  typ: BASE_TYP,
  secondsMax: BASE_KEY_SECONDS_MAX,
  check: compile(BaseClaims),
};
const taskKind: Kind<TaskClaims> = {
  set: "task",
  typ: TASK_TYP,
  secondsMax: TASK_KEY_SECONDS_MAX,
  check: compile(TaskClaims),
};
const checkJwk = compile(PublicJwk);

/** Imports the body of the kernel's `keys` message. Throws `Violation` when it holds anything but ES256 public keys. */
export async function importPublicKeys(body: {
  issuer: string;
  base: readonly unknown[];
  task: readonly unknown[];
}): Promise<PublicKeys> {
  return { issuer: body.issuer, base: await importSet(body.base), task: await importSet(body.task) };
}

async function importSet(jwks: readonly unknown[]): Promise<Map<string, CryptoKey>> {
  const set = new Map<string, CryptoKey>();
  for (const jwk of jwks) {
    const checked = checkJwk(jwk);
    if (!checked.ok) throw new Violation("A key set holds something that is not an ES256 public key.");
    const { kid, ...key } = checked.value;
    set.set(kid, (await importJWK(key, ALGORITHM)) as CryptoKey);
  }
  return set;
}

/** Verifies a base key at `now` (ms). KEY_INVALID, KEY_EXPIRED. */
export function verifyBase(token: string, keys: PublicKeys, now: number): Promise<End<BaseClaims>> {
  return verify(token, baseKind, keys, now);
}

/** Verifies a task key at `now` (ms). KEY_INVALID, KEY_EXPIRED. */
export function verifyTask(token: string, keys: PublicKeys, now: number): Promise<End<TaskClaims>> {
  return verify(token, taskKind, keys, now);
}

/** Signs canonical claims. The caller vouches for them: signing checks nothing. */
export async function signClaims(typ: string, kid: string, claims: Json, key: CryptoKey): Promise<string> {
  const signing = new CompactSign(new TextEncoder().encode(canonical(claims))).setProtectedHeader(headerOf(typ, kid));
  return withLowerSignature(await signing.sign(key));
}

function withLowerSignature(token: string): string {
  const at = token.lastIndexOf(".") + 1;
  const signature = Buffer.from(token.slice(at), "base64url");
  if (isLower(signature)) return token;
  const other = ORDER - BigInt(`0x${signature.toString("hex", HALF_BYTES)}`);
  signature.write(other.toString(16).padStart(2 * HALF_BYTES, "0"), HALF_BYTES, "hex");
  return token.slice(0, at) + signature.toString("base64url");
}

function isLower(signature: Buffer): boolean {
  return signature.subarray(HALF_BYTES).compare(MIDDLE) <= 0;
}

async function verify<C extends Times>(token: string, kind: Kind<C>, keys: PublicKeys, now: number): Promise<End<C>> {
  const parts = splitToken(token);
  if (parts === null) return refused("KEY_INVALID");
  const key = signingKey(parts.header, kind.typ, keys[kind.set]);
  const claims = kind.check(decodePart(parts.payload));
  if (key === undefined || !claims.ok || claims.value.exp - claims.value.iat > kind.secondsMax)
    return refused("KEY_INVALID");
  try {
    await jwtVerify(token, key, {
      algorithms: [ALGORITHM],
      typ: kind.typ,
      issuer: keys.issuer,
      audience: AUDIENCE,
      maxTokenAge: kind.secondsMax,
      clockTolerance: 0,
      currentDate: new Date(now),
    });
  } catch (error) {
    // Whatever else a stranger's token makes the library throw, it was not a valid key.
    return refused(error instanceof JWTExpired ? "KEY_EXPIRED" : "KEY_INVALID");
  }
  return done(claims.value);
}

/** Header and payload, or null where all that follows them is not one signature of ours in its one spelling. */
function splitToken(token: string): { header: string; payload: string } | null {
  if (token.length > KEY_CHARS_MAX) return null;
  const first = token.indexOf(".");
  const second = token.indexOf(".", first + 1);
  const signature = token.slice(second + 1);
  const bytes = Buffer.from(signature, "base64url");
  const isOurs = bytes.length === 2 * HALF_BYTES && bytes.toString("base64url") === signature && isLower(bytes);
  return isOurs ? { header: token.slice(0, first), payload: token.slice(first + 1, second) } : null;
}

/** The key under whose id the kernel would have written this very header; what a stranger wrote there is never read. */
function signingKey(header: string, typ: string, keys: ReadonlyMap<string, CryptoKey>): CryptoKey | undefined {
  return Array.from(keys).find(([kid]) => encodePart(headerOf(typ, kid)) === header)?.[1];
}

function headerOf(typ: string, kid: string) {
  return { alg: ALGORITHM, kid, typ };
}

function encodePart(value: Json): string {
  return Buffer.from(canonical(value)).toString("base64url");
}

/** The JSON of one part, or null unless the part is the one spelling of it: canonical JSON in canonical base64url. */
function decodePart(part: string): Json {
  try {
    const value = parseExact(Buffer.from(part, "base64url").toString("utf8"));
    return encodePart(value) === part ? value : null;
  } catch {
    return null;
  }
}
