/**
 * The signing keys: one signs base keys, one signs task keys; those before them verify for as long as anything they signed may live.
 *
 * Threat: a signing key is used for ever, a new one signs before the door knows it, or an old one verifies longer than it must.
 * Contract: of each kind exactly one signs. A prepared one is published and signs nothing until it is promoted; the one it replaces is published
 * until the longest-lived key it can have signed has run out, and no longer. The private halves lie in the keystore alone, and only of those
 * that sign: whatever an earlier life of this process signed was for cells that ended with it.
 * Failure: throws `KeystoreError`; the kernel does not start, or ends.
 */
import { createECDH } from "node:crypto";
import { type CryptoKey, calculateJwkThumbprint, importJWK } from "jose";
import { BASE_KEY_SECONDS_MAX, TASK_KEY_SECONDS_MAX } from "./abi/bounds.ts";
import { type KeyKind, keyKinds } from "./abi/claims.ts";
import type { PublicJwk } from "./abi/keys.ts";
import { type Keystore, KeystoreError } from "./process/keystore.ts";

/** `made`: ms. */
export type Signer = { kid: string; key: CryptoKey; jwk: PublicJwk; made: number };

/** One signing key as people see it. Times in ms; `since` it signs, or null when it does not yet; `until` it verifies, or null while it signs. */
export type SigningKey = { kid: string; kind: KeyKind; made: number; since: number | null; until: number | null };

export type SigningKeys = {
  /** What signs now. */
  current(): Readonly<Record<KeyKind, Signer>>;
  /** What verifies now. */
  published(): Record<KeyKind, PublicJwk[]>;
  /** What verifies now, newest first. */
  list(): SigningKey[];
  /** The kinds whose signing key has signed for a day. */
  due(now: number): KeyKind[];
  /** Publishes the signing key that comes next and gives its kid; the same until it is promoted. Null when PUBLISHED_MAX are published. */
  prepare(kind: KeyKind, now: number): Promise<string | null>;
  /** Lets the prepared one sign from now on. */
  promote(kind: KeyKind, now: number): void;
  /** Publishes no more what verifies nothing that could be in force, nor the one named. True when there was any; what signs stays. */
  drop(now: number, kid?: string): boolean;
};

export const ROTATE_MS = 24 * 60 * 60 * 1000;
/** Of one kind: what signs, what is next, and what was replaced within the life of a key. */
export const PUBLISHED_MAX = 8;
const LIFE_MS = { base: BASE_KEY_SECONDS_MAX * 1000, task: TASK_KEY_SECONDS_MAX * 1000 };
const NAME = "signing";
const ALGORITHM = "ES256";
const CURVE = "prime256v1";
const SCALAR_BYTES = 32;
const TIME_BYTES = 8;
const KEPT_BYTES = 2 * TIME_BYTES + SCALAR_BYTES;

/** As the keystore holds one: when it was made and when it began to sign, ms; a private scalar of P-256. */
type Kept = { made: number; since: number; scalar: Buffer };

type Signing = { signer: Signer; kept: Kept };
type Replaced = { jwk: PublicJwk; made: number; since: number; until: number };
type Ring = { signing: Signing; next: Signing | null; replaced: Replaced[] };

/** Takes the signing keys from the keystore; makes the first ones, those that are due, and those of a time that was wrong. Throws `KeystoreError`. */
export async function openSigningKeys(keystore: Keystore, now: number): Promise<SigningKeys> {
  const kept = decode(keystore.secret(NAME, () => encode({ base: generate(now), task: generate(now) })));
  const spent = keyKinds.filter((kind) => now >= kept[kind].since + ROTATE_MS || now < kept[kind].since);
  for (const kind of spent) kept[kind] = generate(now);
  if (spent.length > 0) keystore.replace(NAME, encode(kept));
  const rings: Record<KeyKind, Ring> = { base: await ringOf(kept.base), task: await ringOf(kept.task) };

  return {
    current: () => ({ base: rings.base.signing.signer, task: rings.task.signing.signer }),
    published: () => ({ base: publishedOf(rings.base), task: publishedOf(rings.task) }),
    list: () => keyKinds.flatMap((kind) => listOf(kind, rings[kind])),
    due: (now) => keyKinds.filter((kind) => now >= rings[kind].signing.kept.since + ROTATE_MS),
    async prepare(kind, now) {
      const ring = rings[kind];
      if (ring.next === null && publishedOf(ring).length >= PUBLISHED_MAX) return null;
      ring.next ??= await signingOf(generate(now));
      return ring.next.signer.kid;
    },
    promote(kind, now) {
      const ring = rings[kind];
      if (ring.next === null) throw new Error(`No signing key of kind ${kind} is prepared.`);
      const kept = { ...ring.next.kept, since: now };
      keystore.replace(NAME, encode({ base: rings.base.signing.kept, task: rings.task.signing.kept, [kind]: kept }));
      const { signer, kept: before } = ring.signing;
      const { made, since } = before;
      ring.replaced.unshift({ jwk: signer.jwk, made, since, until: now + LIFE_MS[kind] });
      ring.signing = { signer: ring.next.signer, kept };
      ring.next = null;
    },
    drop(now, kid) {
      const before = Object.values(rings).flatMap(publishedOf).length;
      for (const ring of Object.values(rings))
        ring.replaced = ring.replaced.filter(({ jwk, until }) => until > now && jwk.kid !== kid);
      return Object.values(rings).flatMap(publishedOf).length < before;
    },
  };
}

async function ringOf(kept: Kept): Promise<Ring> {
  return { signing: await signingOf(kept), next: null, replaced: [] };
}

async function signingOf(kept: Kept): Promise<Signing> {
  return { kept, signer: await importSigner(kept) };
}

function publishedOf({ next, signing, replaced }: Ring): PublicJwk[] {
  return [...(next === null ? [] : [next.signer.jwk]), signing.signer.jwk, ...replaced.map(({ jwk }) => jwk)];
}

function listOf(kind: KeyKind, { next, signing, replaced }: Ring): SigningKey[] {
  const line = (jwk: PublicJwk, made: number, since: number | null, until: number | null) => ({
    kid: jwk.kid,
    kind,
    made,
    since,
    until,
  });
  return [
    ...(next === null ? [] : [line(next.signer.jwk, next.kept.made, null, null)]),
    line(signing.signer.jwk, signing.kept.made, signing.kept.since, null),
    ...replaced.map(({ jwk, made, since, until }) => line(jwk, made, since, until)),
  ];
}

function generate(now: number): Kept {
  const curve = createECDH(CURVE);
  curve.generateKeys();
  const scalar = curve.getPrivateKey();
  return { made: now, since: now, scalar: Buffer.concat([Buffer.alloc(SCALAR_BYTES - scalar.length), scalar]) };
}

async function importSigner({ made, scalar }: Kept): Promise<Signer> {
  const point = publicPoint(scalar);
  const half = (at: number) => point.subarray(1 + at, 1 + at + SCALAR_BYTES).toString("base64url");
  const named = { kty: "EC", crv: "P-256", x: half(0), y: half(SCALAR_BYTES) } as const;
  const kid = await calculateJwkThumbprint(named);
  const key = (await importJWK({ ...named, d: scalar.toString("base64url") }, ALGORITHM)) as CryptoKey;
  return { kid, key, jwk: { ...named, kid }, made };
}

/** 04, x, y (SEC 1, 2.3.3). */
function publicPoint(scalar: Buffer): Buffer {
  const curve = createECDH(CURVE);
  try {
    curve.setPrivateKey(scalar);
  } catch {
    throw damaged();
  }
  return curve.getPublicKey();
}

/** As short as it can be: the keyring's quota of a user is 20,000 bytes. */
function encode(kept: Record<KeyKind, Kept>): Uint8Array {
  return Buffer.concat(keyKinds.flatMap((kind) => encodeOne(kept[kind])));
}

function encodeOne({ made, since, scalar }: Kept): Buffer[] {
  const times = Buffer.alloc(2 * TIME_BYTES);
  times.writeBigUInt64BE(BigInt(made));
  times.writeBigUInt64BE(BigInt(since), TIME_BYTES);
  return [times, scalar];
}

function decode(secret: Uint8Array): Record<KeyKind, Kept> {
  if (secret.length !== keyKinds.length * KEPT_BYTES) throw damaged();
  const bytes = Buffer.from(secret);
  return { base: decodeOne(bytes), task: decodeOne(bytes.subarray(KEPT_BYTES)) };
}

function decodeOne(bytes: Buffer): Kept {
  return {
    made: Number(bytes.readBigUInt64BE()),
    since: Number(bytes.readBigUInt64BE(TIME_BYTES)),
    scalar: bytes.subarray(2 * TIME_BYTES, KEPT_BYTES),
  };
}

function damaged(): KeystoreError {
  return new KeystoreError("The signing keys in the keystore are damaged.");
}
