/** How fast a base key is verified: the first time, and again in its cell. */
import { hash } from "node:crypto";
import { verifyBase } from "../../kernel/abi/keys.ts";
import { KeyCache } from "../../proxies/door/key-cache.ts";
import { makeKeyWorld, NOW } from "../kernel/abi/key-world.ts";
import type { Result } from "./measure.ts";

const COLD_RUNS = 4000;
const CACHED_RUNS = 100_000;
const ES256 = { name: "ECDSA", hash: "SHA-256" };

/** Strict parsing, canonical form, claims and signature, against the signature alone. */
export async function verifyCold(): Promise<Result> {
  const world = await makeKeyWorld();
  const token = await world.good();
  const [header = "", claims = "", signature = ""] = token.split(".");
  const signed = Buffer.from(`${header}.${claims}`);
  const bytes = Buffer.from(signature, "base64url");
  const value = await rate(COLD_RUNS, () => verifyBase(token, world.keys, NOW));
  const key = await crypto.subtle.importKey("jwk", world.base.jwk, { name: "ECDSA", namedCurve: "P-256" }, false, [
    "verify",
  ]);
  const against_value = await rate(COLD_RUNS, () => crypto.subtle.verify(ES256, key, bytes, signed));
  return { value, against_value };
}

/** What a call costs whose key the cell has shown before. */
export async function verifyCached(): Promise<Result> {
  const world = await makeKeyWorld();
  const token = await world.good();
  const cache = new KeyCache();
  const value = await rate(CACHED_RUNS, () => cache.verifyBase(token, world.keys, NOW));
  const against_value = await rate(CACHED_RUNS, async () => hash("sha256", token, "base64url"));
  return { value, against_value };
}

/** Runs a second, one after the other. */
async function rate(runs: number, work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  for (let run = 0; run < runs; run++) await work();
  return runs / ((performance.now() - begun) / 1000);
}
