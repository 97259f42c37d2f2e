/**
 * What recognises a person's secret: scrypt (RFC 7914), made by the launcher, checked by the kernel.
 *
 * Threat: somebody who has read the credential, or asks often, finds a secret; or learns from the time an answer takes.
 * Contract: cost as OWASP's password storage cheat sheet asks (N 2^14, r 8, p 5), compared in constant time; `matchesSignIn` takes
 * the parameters from this file alone, never from what was stored.
 * Failure: a stored text of another form matches no secret.
 */
import { type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";

const COST: ScryptOptions = { N: 2 ** 14, r: 8, p: 5, maxmem: 64 * 1024 * 1024 };
const PREFIX = `scrypt$${COST.N}$${COST.r}$${COST.p}$`;
const HASH_BYTES = 32;
const SALT_BYTES = 16;

/** `scrypt$N$r$p$SALT$HASH` in base64url. `salt`: 16 random bytes, new for every secret. */
export async function makeSignIn(secret: string, salt: Uint8Array): Promise<string> {
  const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
  return `${PREFIX}${base64url(salt)}$${base64url(await derive(secret, salt))}`;
}

/** Whether `stored` was made from `secret`. Takes as long for a stored text that is not one of ours. */
export async function matchesSignIn(secret: string, stored: string): Promise<boolean> {
  const [salt, hash] = stored.startsWith(PREFIX) ? stored.slice(PREFIX.length).split("$") : [];
  const expected = Buffer.from(hash ?? "", "base64url");
  const derived = await derive(secret, salt === undefined ? Buffer.alloc(SALT_BYTES) : Buffer.from(salt, "base64url"));
  return expected.length === HASH_BYTES && timingSafeEqual(derived, expected);
}

function derive(secret: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret.normalize("NFKC"), salt, HASH_BYTES, COST, (error, hash) => (error ? reject(error) : resolve(hash)));
  });
}
