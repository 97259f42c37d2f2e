/** Codes of authenticity: HMAC-SHA-256 under a key that two processes share, in hex. */
import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";

/** 32 bytes, as they are or made ready with createSecretKey(), which is the faster form. */
export type MacKey = Uint8Array | KeyObject;

export function macOf(text: string, key: MacKey): string {
  return createHmac("sha256", key).update(text).digest("hex");
}

/** Compares texts, not decoded hex: one code has one spelling. */
export function isMac(given: string, text: string, key: MacKey): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(macOf(text, key))];
  return a.length === b.length && timingSafeEqual(a, b);
}
