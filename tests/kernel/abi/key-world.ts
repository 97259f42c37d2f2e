/** Two signing keys of an appliance, claims that are in order, and the means to sign what no mint would. */
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import { BASE_TYP, type BaseClaims, TASK_TYP, type TaskClaims } from "../../../kernel/abi/claims.ts";
import { canonical, type Json } from "../../../kernel/abi/json.ts";
import { importPublicKeys, type PublicJwk, type PublicKeys, signClaims } from "../../../kernel/abi/keys.ts";

export type Signer = { key: CryptoKey; jwk: PublicJwk };

export const NOW = 1_800_000_000_000;
export const SECOND = NOW / 1000;
export const ISSUER = "silo-0123456789abcdef";
export const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

export const baseClaims: BaseClaims = {
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
export const taskClaims: TaskClaims = {
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

export type KeyWorld = {
  base: Signer;
  task: Signer;
  /** What the door would be told of them. */
  keys: PublicKeys;
  /** The base key above, as a mint signs it. */
  good(): Promise<string>;
  goodTask(): Promise<string>;
  /** Canonical header of a base key, with other or spare members. */
  header(spare?: Record<string, Json>): string;
};

export async function makeKeyWorld(): Promise<KeyWorld> {
  const base = await newSigner();
  const task = await newSigner();
  return {
    base,
    task,
    keys: await importPublicKeys({ issuer: ISSUER, base: [base.jwk], task: [task.jwk] }),
    good: () => signClaims(BASE_TYP, base.jwk.kid, baseClaims, base.key),
    goodTask: () => signClaims(TASK_TYP, task.jwk.kid, taskClaims, task.key),
    header: (spare = {}) => canonical({ alg: "ES256", kid: base.jwk.kid, typ: BASE_TYP, ...spare }),
  };
}

export async function newSigner(): Promise<Signer> {
  const pair = await generateKeyPair("ES256", { extractable: true });
  const { kty, crv, x, y } = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint({ kty, crv, x, y } as never);
  return { key: pair.privateKey, jwk: { kty, crv, x, y, kid } as PublicJwk };
}

/** A token with any header and payload text, really signed. */
export async function signed(header: string, payload: string, signer: Signer): Promise<string> {
  const input = `${b64(header)}.${b64(payload)}`;
  const bytes = Buffer.from(input);
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, signer.key as never, bytes);
  const token = `${input}.${Buffer.from(signature).toString("base64url")}`;
  return isUpper(token) ? otherSignature(token) : token;
}

/** Claims of the base key above, changed; `drop` leaves some out. */
export function withClaims(change: Record<string, unknown>, drop: string[] = []): string {
  const claims: Record<string, unknown> = { ...baseClaims, ...change };
  for (const name of drop) delete claims[name];
  return canonical(claims as Json);
}

export function b64(text: string): string {
  return Buffer.from(text).toString("base64url");
}

const ORDER = BigInt("0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");

function sOf(token: string): bigint {
  return BigInt(`0x${Buffer.from(token.split(".")[2] ?? "", "base64url").toString("hex", 32)}`);
}

export function isUpper(token: string): boolean {
  return sOf(token) * 2n > ORDER;
}

/** The same token with the other signature that ECDSA accepts for it: (r, n - s). */
export function otherSignature(token: string): string {
  const [header = "", payload = "", signature = ""] = token.split(".");
  const r = Buffer.from(signature, "base64url").subarray(0, 32);
  const s = Buffer.from((ORDER - sOf(token)).toString(16).padStart(64, "0"), "hex");
  return `${header}.${payload}.${Buffer.concat([r, s]).toString("base64url")}`;
}
