/**
 * The signing keys: one for base keys, one for task keys, renewed together once a day.
 *
 * Threat: a signing key is used for ever, or a new one signs before the door knows it.
 * Contract: what signs from now on was published NOTICE_MS before; what signed until yesterday still verifies until the last key it
 * signed has run out. The private halves lie in the keystore alone.
 * Failure: throws `KeystoreError`; the kernel does not start.
 */
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import { type Static, Type } from "typebox";
import { BASE_KEY_SECONDS_MAX } from "./abi/bounds.ts";
import { PublicJwk } from "./abi/keys.ts";
import { type Keystore, KeystoreError } from "./process/keystore.ts";
import { compile } from "./process/schema.ts";

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

const PrivateJwk = Type.Object(
  { ...PublicJwk.properties, d: Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" }) },
  { additionalProperties: false },
);
/** The secret as the keystore holds it. `since`: when it began to sign, ms. */
const Kept = Type.Object(
  { since: Type.Integer({ minimum: 0 }), base: PrivateJwk, task: PrivateJwk },
  { additionalProperties: false },
);
type Kept = Static<typeof Kept>;

/** Takes the signing keys from the keystore; makes the first ones. Throws `KeystoreError`. */
export async function openSigningKeys(keystore: Keystore, now: number): Promise<SigningKeys> {
  const first = await generate(now);
  let kept = decode(keystore.secret(NAME, () => encode(first)));
  if (now >= kept.since + DAY_MS) kept = keep(await generate(now));
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
        const fresh = await generate(now + NOTICE_MS);
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

async function generate(since: number): Promise<Kept> {
  return { since, base: await generateJwk(), task: await generateJwk() };
}

async function generateJwk(): Promise<Kept["base"]> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk) } as Kept["base"];
}

async function importSigners(kept: Kept): Promise<Signers> {
  return { base: await importSigner(kept.base), task: await importSigner(kept.task) };
}

async function importSigner({ d, ...jwk }: Kept["base"]): Promise<Signer> {
  const key = (await importJWK({ ...jwk, d } satisfies JWK, ALGORITHM)) as CryptoKey;
  return { kid: jwk.kid, key, jwk };
}

const encode = (kept: Kept): Uint8Array => Buffer.from(JSON.stringify(kept));

function decode(secret: Uint8Array): Kept {
  const checked = compile(Kept)(parse(secret));
  if (!checked.ok) throw new KeystoreError("The signing keys in the keystore are damaged.");
  return checked.value;
}

function parse(secret: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(secret).toString());
  } catch {
    return null;
  }
}
