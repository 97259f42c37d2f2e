/** What the vault derives from its one long-lived secret (HKDF, RFC 5869): a key for each purpose, none of use for another. */
import { createHmac, hkdfSync } from "node:crypto";
import { canonical, type Json } from "../../kernel/abi/json.ts";

export const MASTER_BYTES = 32;

export type Master = {
  /** Wraps the case keys. */
  caseKeys: Buffer;
  /** Subject of a customer id: the same in every case, and nobody else can compute it. */
  subject(customer: string): string;
  /** A frontend's idempotency key, told from others and not readable: frontends make them of what is at hand. */
  idempotency(key: string): string;
  /** Digest of a whole submission; without the key nobody can guess at what it said. */
  request(submission: Json): string;
};

export function deriveMaster(secret: Uint8Array): Master {
  if (secret.length !== MASTER_BYTES)
    throw new Error(`The master key has ${secret.length} bytes, not ${MASTER_BYTES}.`);
  const derive = (purpose: string) => Buffer.from(hkdfSync("sha256", secret, "", `silo vault ${purpose}`, 32));
  const subjects = derive("subjects");
  const keys = derive("idempotency keys");
  const requests = derive("requests");
  const mac = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest("hex");
  return {
    caseKeys: derive("case keys"),
    subject: (customer) => mac(subjects, customer),
    idempotency: (key) => mac(keys, key),
    request: (submission) => mac(requests, canonical(submission)),
  };
}
