/**
 * Seals what the kernel keeps for the vault, and what a proxy stores for a case, under the case's own key.
 *
 * Threat: whoever holds the bytes reads them, or hands back bytes of another case, another step or another purpose.
 * Contract: AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce. A seal opens only under the key, the case and the purpose it was
 * made for. Once the case's key is destroyed it is noise.
 * Failure: `openSeal` returns undefined on anything else; the caller refuses.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";

export type RandomBytes = (bytes: number) => Uint8Array;

/** What a seal is for. An outcome belongs to one step, so that one step's cannot be replayed as another's. */
export type Purpose = "table" | "value" | `outcome/${string}/${number}`;
export type SealContext = { case: string; purpose: Purpose };

const CIPHER = "aes-256-gcm";
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Bytes a seal adds to its content, before base64url. */
export const SEAL_BYTES = 1 + NONCE_BYTES + TAG_BYTES;

/** Seals UTF-8 text under `key` (32 bytes). base64url: version, nonce, tag, cipher text. */
export function seal(key: Uint8Array, context: SealContext, text: string, random: RandomBytes): string {
  const nonce = random(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(bound(context));
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), body]).toString("base64url");
}

/** The text, or undefined where the seal was not made with this key for this context. */
export function openSeal(key: Uint8Array, context: SealContext, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed, "base64url");
  if (bytes.length < SEAL_BYTES || bytes[0] !== VERSION) return undefined;
  const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(bound(context));
  decipher.setAuthTag(bytes.subarray(1 + NONCE_BYTES, SEAL_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(SEAL_BYTES)), decipher.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}

function bound({ case: id, purpose }: SealContext): Buffer {
  return Buffer.from(`silo case seal\0${id}\0${purpose}`);
}
