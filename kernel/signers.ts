/**
 * The signing keys: one for base keys, one for task keys, renewed together once a day.
 *
 * Threat: a signing key is used for ever, or a new one signs before the door knows it.
 * Contract: what signs from now on was published NOTICE_MS before; what signed until yesterday still verifies until the last key it
 * signed has run out. The private halves lie in the keystore alone.
 * Failure: throws `KeystoreError`; the kernel does not start.
 */
import { createECDH } from "node:crypto";
import { type CryptoKey, calculateJwkThumbprint, importJWK } from "jose";
import { BASE_KEY_SECONDS_MAX } from "./abi/bounds.ts";
import type { PublicJwk } from "./abi/keys.ts";
import { type Keystore, KeystoreError } from "./process/keystore.ts";

export type Signer = { kid: string; key: CryptoKey; jwk: PublicJwk };
export type Signers = { base: Signer; task: Signer };

export type SigningKeys = {
  /** What signs now. */
  current(): Signers;
  /** What verifies now: what signed until a day ago, what signs, what will. */
  published(): { base: PublicJwk[]; task: PublicJwk[] };
  /** Call every minute. True when `published` has changed. */
  rotate(now: number): Promise<boolean>;
};

const DAY_MS = BASE_KEY_SECONDS_MAX * 1000;
/** So long before it signs, a key is known to the door. */
export const NOTICE_MS = 60 * 60 * 1000;
const NAME = "signing";
const ALGORITHM = "ES256";
const CURVE = "prime256v1";

/** Private scalars of P-256, 32 bytes each. `since`: when they began to sign, ms. */
type Kept = { since: number; base: Buffer; task: Buffer };
const SCALAR_BYTES = 32;
const SINCE_BYTES = 8;

/** Takes the signing keys from the keystore; makes the first ones. Throws `KeystoreError`. */
export async function openSigningKeys(keystore: Keystore, now: number): Promise<SigningKeys> {
  let kept = decode(keystore.secret(NAME, () => encode(generate(now))));
  if (now >= kept.since + DAY_MS) kept = keep(generate(now));
  let current = await importSigners(kept);
  let previous: Signers | null = null;
  let next: { kept: Kept; signers: Signers } | null = null;

  function keep(fresh: Kept): Kept {
    keystore.replace(NAME, encode(fresh));
    return fresh;
  }

  return {
    current: () => current,
    published() {
      const all = [previous, current, next?.signers].filter((signers) => signers != null);
      return { base: all.map(({ base }) => base.jwk), task: all.map(({ task }) => task.jwk) };
    },
    async rotate(now) {
      if (next === null && now >= kept.since + DAY_MS - NOTICE_MS) {
        const fresh = generate(now + NOTICE_MS);
        next = { kept: fresh, signers: await importSigners(fresh) };
        return true;
      }
      if (next === null || now < next.kept.since) return false;
      kept = keep(next.kept);
      previous = current;
      current = next.signers;
      next = null;
      return true;
    },
  };
}

function generate(since: number): Kept {
  return { since, base: newScalar(), task: newScalar() };
}

function newScalar(): Buffer {
  const curve = createECDH(CURVE);
  curve.generateKeys();
  const scalar = curve.getPrivateKey();
  return Buffer.concat([Buffer.alloc(SCALAR_BYTES - scalar.length), scalar]);
}

async function importSigners(kept: Kept): Promise<Signers> {
  return { base: await importSigner(kept.base), task: await importSigner(kept.task) };
}

async function importSigner(scalar: Buffer): Promise<Signer> {
  const point = publicPoint(scalar);
  const half = (at: number) => point.subarray(1 + at, 1 + at + SCALAR_BYTES).toString("base64url");
  const named = { kty: "EC", crv: "P-256", x: half(0), y: half(SCALAR_BYTES) } as const;
  const kid = await calculateJwkThumbprint(named);
  const key = (await importJWK({ ...named, d: scalar.toString("base64url") }, ALGORITHM)) as CryptoKey;
  return { kid, key, jwk: { ...named, kid } };
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
function encode({ since, base, task }: Kept): Uint8Array {
  const time = Buffer.alloc(SINCE_BYTES);
  time.writeBigUInt64BE(BigInt(since));
  return Buffer.concat([time, base, task]);
}

function decode(secret: Uint8Array): Kept {
  if (secret.length !== SINCE_BYTES + 2 * SCALAR_BYTES) throw damaged();
  const bytes = Buffer.from(secret);
  const base = bytes.subarray(SINCE_BYTES, SINCE_BYTES + SCALAR_BYTES);
  return { since: Number(bytes.readBigUInt64BE()), base, task: bytes.subarray(SINCE_BYTES + SCALAR_BYTES) };
}

function damaged(): KeystoreError {
  return new KeystoreError("The signing keys in the keystore are damaged.");
}
