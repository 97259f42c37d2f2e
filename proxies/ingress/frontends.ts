/**
 * Which frontend speaks, by its API key.
 *
 * Threat: a stranger guesses a key, learns one byte by byte from how long a refusal takes, or reads it from this process's memory or disk.
 * Contract: only digests are held; every digest is compared in constant time, and all of them each time.
 * Failure: null. A credential that is not digests by frontend stops the process.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { type Static, Type } from "typebox";
import { Digest, Name } from "../../kernel/abi/ids.ts";
import { InexactJson, parseExact } from "../../kernel/abi/json.ts";
import { ConfigError } from "../../kernel/process/config.ts";
import { compile } from "../../kernel/process/schema.ts";

const Digests = Type.Record(Name, Digest, { additionalProperties: false });
const checkDigests = compile(Digests);

/** The frontend whose key this is, or null. */
export type FindFrontend = (key: string) => string | null;

/** `text`: the credential `frontends.json`, frontend -> SHA-256 of its API key. Throws `ConfigError`. */
export function readFrontends(text: string): FindFrontend {
  const digests = Object.entries(parseDigests(text)).map(([name, hex]) => ({ name, digest: Buffer.from(hex, "hex") }));
  return (key) => {
    const given = createHash("sha256").update(key).digest();
    const matching = digests.filter(({ digest }) => timingSafeEqual(digest, given));
    return matching[0]?.name ?? null;
  };
}

function parseDigests(text: string): Static<typeof Digests> {
  try {
    const checked = checkDigests(parseExact(text));
    if (checked.ok) return checked.value;
    throw new ConfigError(`The credential frontends.json: ${checked.why}.`);
  } catch (error) {
    if (error instanceof InexactJson) throw new ConfigError(`The credential frontends.json: ${error.message}`);
    throw error;
  }
}

const BEARER = "Bearer ";

/** The key in the header Authorization, or null. */
export function bearerOf(authorization: string | undefined): string | null {
  return authorization?.startsWith(BEARER) ? authorization.slice(BEARER.length) : null;
}
