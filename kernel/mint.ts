/**
 * Mints the two keys. What they say is known at once, so that it can be written down; they are signed after that is durable.
 *
 * Contract: a base key says what the role's grant says at that moment and nothing else; a task key names one cell and one epoch and
 * does not outlive the lease's deadline, nor TASK_KEY_SECONDS_MAX.
 */
import { BASE_KEY_SECONDS_MAX, TASK_KEY_SECONDS_MAX } from "./abi/bounds.ts";
import { BASE_TYP, type BaseClaims, TASK_TYP, type TaskClaims } from "./abi/claims.ts";
import type { Capabilities } from "./abi/grant.ts";
import { type Mode, randomText } from "./abi/ids.ts";
import { canonical } from "./abi/json.ts";
import { AUDIENCE, type PublicJwk, signClaims } from "./abi/keys.ts";
import type { Signer, SigningKeys } from "./signers.ts";

/** One key. `kid` and `jti` go into the log; `expires` in ms; `sign` gives the token, the same at every call. */
export type Minted = { kid: string; jti: string; expires: number; sign(): Promise<string> };

/** What of a role a base key says. */
export type BaseFacts = {
  role: string;
  bundle: string;
  grant: Capabilities;
  escalates_to: string[];
  subagents: string[];
};

export type TaskFacts = {
  task: string;
  case: string;
  assignment: string;
  customer: string | null;
  /** Digest of the originating event. */
  event: string;
  role: string;
  bundle: string;
  cell: string;
  epoch: number;
  mode: Mode;
  /** The lease's deadline, ms. */
  until: number;
};

export type Mint = {
  /** The base key of a role for `sub` (the role itself, or a person). One key serves while what it says is still so. */
  base(facts: BaseFacts, sub: string, now: number): Minted;
  task(facts: TaskFacts, now: number): Minted;
  /** The body of kernel -> door `keys`. */
  publicKeys(): { issuer: string; base: PublicJwk[]; task: PublicJwk[] };
};

/** A base key with less than this left is not given to a new cell. */
const BASE_KEY_LEFT_MS = 60 * 60 * 1000;

/** `issuer` names this appliance (`silo-` and the keystore's `appliance`). */
export function openMint(options: { keys: SigningKeys; issuer: string; random: (bytes: number) => Uint8Array }): Mint {
  const { keys, issuer, random } = options;
  const bases = new Map<string, { says: string; minted: Minted }>();

  function registered(sub: string, now: number, secondsMax: number, until = Number.POSITIVE_INFINITY) {
    const iat = Math.floor(now / 1000);
    const exp = Math.min(iat + secondsMax, Math.ceil(until / 1000));
    return { iss: issuer, aud: AUDIENCE, sub, jti: randomText(16, random), iat, nbf: iat, exp } as const;
  }

  return {
    base(facts, sub, now) {
      const says = canonical({ ...facts, sub });
      const held = bases.get(`${sub}/${facts.role}`);
      if (held?.says === says && now < held.minted.expires - BASE_KEY_LEFT_MS) return held.minted;
      const minted = mint(BASE_TYP, baseClaims(facts, registered(sub, now, BASE_KEY_SECONDS_MAX)), keys.current().base);
      bases.set(`${sub}/${facts.role}`, { says, minted });
      return minted;
    },
    task({ until, ...facts }, now) {
      const claims: TaskClaims = { ...registered(facts.task, now, TASK_KEY_SECONDS_MAX, until), ...facts };
      return mint(TASK_TYP, claims, keys.current().task);
    },
    publicKeys: () => ({ issuer, ...keys.published() }),
  };
}

type Registered = Pick<BaseClaims, "iss" | "aud" | "sub" | "jti" | "iat" | "nbf" | "exp">;

function baseClaims({ role, bundle, grant, escalates_to, subagents }: BaseFacts, registered: Registered): BaseClaims {
  return { ...registered, role, bundles: [bundle], capabilities: grant, escalates_to, subagents };
}

function mint(typ: string, claims: BaseClaims | TaskClaims, signer: Signer): Minted {
  let token: Promise<string> | undefined;
  return {
    kid: signer.kid,
    jti: claims.jti,
    expires: claims.exp * 1000,
    sign() {
      token ??= signClaims(typ, signer.kid, claims, signer.key);
      return token;
    },
  };
}
