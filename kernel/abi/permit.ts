/**
 * The permit: the kernel's yes to ONE call.
 *
 * Threat: a door or vault that has been taken over asks a proxy for something the kernel never allowed, repeats an old
 * yes, or changes the arguments after the yes.
 * Contract: a permit is valid only with a MAC (HMAC-SHA-256 over its canonical JSON) made with a key that the kernel and that one proxy
 * share, before it expires, for exactly the tokenised arguments whose digest it carries, for what its mode performs.
 * Failure: `checkPermit` says which refusal; it never says yes on a malformed permit.
 */
import { type Static, Type } from "typebox";
import { done, type End, refused } from "./ends.ts";
import { AssignmentId, Capability, CaseId, Digest, Epoch, LookupId, Mode, Name, Step, TaskId, Time } from "./ids.ts";
import { canonical, digest, type Json } from "./json.ts";
import { isMac, type MacKey, macOf } from "./mac.ts";
import { performs } from "./modes.ts";
import type { Operation } from "./operations.ts";

const PermitTerms = {
  /** The task, or the vault's own look-up before a task exists. */
  task: Type.Union([TaskId, LookupId]),
  assignment: Type.Union([AssignmentId, Type.Null()]),
  case: CaseId,
  step: Step,
  epoch: Epoch,
  /** A person has decided: what was started under this epoch or an older one did not happen. Absent: nobody has. */
  void_until: Type.Optional(Epoch),
  proxy: Name,
  capability: Capability,
  /** SHA-256 of the canonical tokenised arguments. */
  arguments: Digest,
  mode: Mode,
  expires: Time,
};

export const Permit = Type.Object({ ...PermitTerms, mac: Digest }, { additionalProperties: false });
export type Permit = Static<typeof Permit>;
export type PermitTerms = Omit<Permit, "mac">;

/** The key that the kernel and one proxy share. */
export type PermitKey = MacKey;

/** Signs the terms with the key shared with `terms.proxy`. */
export function signPermit(terms: PermitTerms, key: PermitKey): Permit {
  return { ...terms, mac: macOf(textOf(terms), key) };
}

/** Says whether `permit` lets `proxy` do `capability`, which has this `effect`, with these tokenised arguments at `now` (ms). */
export function checkPermit(
  permit: Permit,
  call: { proxy: string; capability: string; effect: Operation["effect"]; arguments: Json; now: number },
  key: PermitKey,
): End<Permit> {
  const { mac: given, ...terms } = permit;
  if (!isMac(given, textOf(terms), key)) return refused("PERMIT_INVALID");
  if (permit.proxy !== call.proxy || permit.capability !== call.capability) return refused("PERMIT_INVALID");
  if (permit.arguments !== digest(call.arguments)) return refused("PERMIT_INVALID");
  if (!performs(permit.mode, call.effect)) return refused("MODE_NOT_LIVE");
  if (call.now >= permit.expires) return refused("PERMIT_EXPIRED");
  return done(permit);
}

/** The idempotency key of a permitted effect: task + assignment + step. */
export function idempotencyKey(permit: PermitTerms): string {
  return `${permit.task}/${permit.assignment ?? "vault"}/${permit.step}`;
}

function textOf(terms: PermitTerms): string {
  return canonical(terms as unknown as Json);
}
