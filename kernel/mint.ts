/**
 * Mints the two keys. What they say is known at once, so that it can be written down; they are signed after that is durable.
 *
 * Contract: a base key says what the role's grant says at that moment and nothing else; a task key names one cell and one epoch and
 * does not outlive the lease's deadline, nor TASK_KEY_SECONDS_MAX.
 */
import { BASE_KEY_SECONDS_MAX, TASK_KEY_SECONDS_MAX } from "./abi/bounds.ts";
import { BASE_TYP, type BaseClaims, type KeyKind, TASK_TYP, type TaskClaims } from "./abi/claims.ts";
import type { Capabilities } from "./abi/grant.ts";
import { type Mode, randomText } from "./abi/ids.ts";
import { canonical } from "./abi/json.ts";
import { AUDIENCE, type PublicJwk, signClaims } from "./abi/keys.ts";
import type { Signer, SigningKeys } from "./signers.ts";

/** One key. `jti` goes into the log; `made` and `expires` in ms; `sign` gives the token, the same at every call. */
export type Minted = {
  kind: KeyKind;
  kid: string;
  jti: string;
  role: string;
  sub: string;
  made: number;
  expires: number;
  sign(): Promise<string>;
};

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
  /** The base key of a role for `sub` (the role itself, or a person). One key serves while what it says and who signs is still so. */
  base(facts: BaseFacts, sub: string, now: number): Minted;
  task(facts: TaskFacts, now: number): Minted;
  /** Gives the base keys of which that is so to nobody any more; returns them. */
  forget(named: (key: Minted) => boolean): Minted[];
  /** The body of kernel -> door `keys`. */
  publicKeys(): { issuer: string; base: PublicJwk[]; task: PublicJwk[] };
};

/** A base key with less than this left is not given to a new cell. */
const BASE_KEY_LEFT_MS = 60 * 60 * 1000;
const TYPS = { base: BASE_TYP, task: TASK_TYP };

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
      const signer = keys.current().base;
      const held = bases.get(`${sub}/${facts.role}`);
      if (held?.says === says && serves(held.minted, signer, now)) return held.minted;
      const minted = mint("base", baseClaims(facts, registered(sub, now, BASE_KEY_SECONDS_MAX)), signer);
      bases.set(`${sub}/${facts.role}`, { says, minted });
      return minted;
    },
    task({ until, ...facts }, now) {
      const claims: TaskClaims = { ...registered(facts.task, now, TASK_KEY_SECONDS_MAX, until), ...facts };
      return mint("task", claims, keys.current().task);
    },
    forget(named) {
      const forgotten = [...bases].filter(([, { minted }]) => named(minted));
      for (const [name] of forgotten) bases.delete(name);
      return forgotten.map(([, { minted }]) => minted);
    },
    publicKeys: () => ({ issuer, ...keys.published() }),
  };
}

type Registered = Pick<BaseClaims, "iss" | "aud" | "sub" | "jti" | "iat" | "nbf" | "exp">;

function baseClaims({ role, bundle, grant, escalates_to, subagents }: BaseFacts, registered: Registered): BaseClaims {
  return { ...registered, role, bundles: [bundle], capabilities: grant, escalates_to, subagents };
}

function serves({ kid, expires }: Minted, signer: Signer, now: number): boolean {
  return kid === signer.kid && now < expires - BASE_KEY_LEFT_MS;
}

function mint(kind: KeyKind, claims: BaseClaims | TaskClaims, signer: Signer): Minted {
  let token: Promise<string> | undefined;
  const { jti, role, sub, iat, exp } = claims;
  return {
    ...{ kind, kid: signer.kid, jti, role, sub },
    made: iat * 1000,
    expires: exp * 1000,
    sign() {
      token ??= signClaims(TYPS[kind], signer.kid, claims, signer.key);
      return token;
    },
  };
}
