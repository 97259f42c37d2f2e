/**
 * The proof of how a permitted effect ended: what its proxy tells the kernel past everybody in between.
 *
 * Threat: a vault that has been taken over denies an effect that happened, so that what it had reserved is free again, or claims one that
 * never did.
 * Contract: a MAC with the permit's key over a label and the canonical JSON of the permitted call and its end; no permit is spelled so, and
 * neither can be taken for the other. *void* holds for one epoch: a proxy proves it after it has recorded that under this epoch the
 * effect never will happen. The value is not in it: the vault tokenises that.
 * Failure: `provenEnd` says null, and nothing may be given back.
 */
import { canonical } from "./json.ts";
import { isMac, type MacKey, macOf } from "./mac.ts";
import type { PermitTerms } from "./permit.ts";

export type EffectEnd = "happened" | "void";
/** What a proof is about, of what a permit says. */
export type ProvenCall = Pick<
  PermitTerms,
  "task" | "assignment" | "case" | "step" | "epoch" | "proxy" | "capability" | "arguments"
>;

/** Before the text; canonical JSON of a permit begins with a brace. */
const LABEL = "silo-effect-end ";

/** The code of an end, made by the proxy that recorded it. */
export function proveEnd(call: ProvenCall, end: EffectEnd, key: MacKey): string {
  return macOf(textOf(call, end), key);
}

/** How the effect of exactly this call ended, or null where `proof` proves nothing of it. */
export function provenEnd(call: ProvenCall, proof: string | null, key: MacKey): EffectEnd | null {
  if (proof === null) return null;
  return (["happened", "void"] as const).find((end) => isMac(proof, textOf(call, end), key)) ?? null;
}

function textOf(call: ProvenCall, end: EffectEnd): string {
  const { task, assignment, case: matter, step, epoch, proxy, capability, arguments: digest } = call;
  return LABEL + canonical({ end, task, assignment, case: matter, step, epoch, proxy, capability, arguments: digest });
}
