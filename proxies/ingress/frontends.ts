/**
 * Who is asking: API keys, and what each frontend may send.
 *
 * Threat: somebody without a key, or one frontend that wants to be another.
 * Contract: `identify` names the frontend whose key this is, from digests alone, in a time that does not depend on which.
 * Failure: API_KEY_INVALID, the same for a missing and a wrong key.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { Type } from "typebox";
import { done, type End, refused } from "../../kernel/abi/ends.ts";
import { Digest, Name } from "../../kernel/abi/ids.ts";
import { ConfigError, credential, type Directories } from "../../kernel/process/config.ts";
import { compile } from "../../kernel/process/schema.ts";

const BEARER = "Bearer ";
/** Longer keys are not hashed. */
const API_KEY_CHARS_MAX = 256;

/** Frontend -> SHA-256 of its API key, lower-case hex. */
const KeyDigests = Type.Record(Name, Digest, { additionalProperties: false });

export type Frontends = {
  /** The frontend with this API key. */
  identify(apiKey: string): End<string>;
};

/** Reads the credential `frontends.json`. */
export function readFrontends(dirs: Directories): Frontends {
  const checked = compile(KeyDigests)(parse(credential(dirs, "frontends.json").toString("utf8")));
  if (!checked.ok) throw new ConfigError(`The credential frontends.json: ${checked.why}.`);
  return openFrontends(checked.value);
}

export function openFrontends(digests: Readonly<Record<string, string>>): Frontends {
  const known = Object.entries(digests).map(([name, digest]) => ({ name, digest: Buffer.from(digest, "hex") }));
  return {
    identify(apiKey) {
      if (apiKey.length > API_KEY_CHARS_MAX) return refused("API_KEY_INVALID");
      const digest = createHash("sha256").update(apiKey).digest();
      const matches = known.filter((frontend) => timingSafeEqual(frontend.digest, digest));
      return matches[0] === undefined ? refused("API_KEY_INVALID") : done(matches[0].name);
    },
  };
}

/** The API key of an Authorization header; empty, which is nobody's, where there is none. */
export function bearerOf(authorization: string | undefined): string {
  return authorization?.startsWith(BEARER) ? authorization.slice(BEARER.length) : "";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigError("The credential frontends.json is not JSON.");
  }
}
