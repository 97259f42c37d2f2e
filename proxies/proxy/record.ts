/**
 * What a proxy remembers of one idempotency key, and what that means for the next request under it.
 *
 * Threat: an attempt that everybody has given up (its cell is dead, its call was decided) arrives late and acts; a call is acted
 * twice because the first answer was lost.
 * Contract: a request under an older epoch than the record has seen is refused. An effect that happened is answered, never repeated. A
 * decided void holds for its epoch: only a newer one may act.
 * Failure: where nobody can tell whether it happened, UNKNOWN_OUTCOME, until the kernel says that a person has decided that it did not.
 */
import { done, type End, refused } from "../../kernel/abi/ends.ts";
import type { Json } from "../../kernel/abi/json.ts";

export type EffectRecord = {
  /** The highest epoch seen under this key. */
  epoch: number;
  /** Digest of the permitted arguments: one key is one call. */
  arguments: string;
  /**
   * open: an attempt ended and nothing happened. void: decided as not happened. started: it may have happened, and the outside system
   * cannot be asked. done: it happened.
   */
  state: "open" | "void" | "started" | "done";
  /** The recorded result of `done`; null otherwise. */
  result: Json;
};

export type Attempt = Pick<EffectRecord, "epoch" | "arguments">;
/** An attempt, and up to which epoch a person has decided that what was started did not happen (0: nobody has). */
export type Asked = Attempt & { void_until: number };
export type Decision = { decided: "happened" | "void"; result: Json };

/** Either the effect is to be performed, or this is the answer. `record` is what must be durable before the answer leaves. */
export type Ruling<T> = { rule: "perform" } | { rule: "answer"; end: End<T>; record: EffectRecord | undefined };

/** To an attempt that asks again what it was refused, after the refusal itself was lost. */
const DECIDED_VOID = "It was decided that this call does not happen. Make it as another step, or escalate.";

/** May this attempt perform the effect? */
export function ruleAct(found: EffectRecord | undefined, attempt: Asked): Ruling<Json> {
  const record = judged(found, attempt);
  if (record === undefined) return { rule: "perform" };
  const stale = refuseStale(record, attempt);
  if (stale !== undefined) return stale;
  if (record.state === "done") return answer(record, attempt, done(record.result));
  if (record.state === "started") return answer(record, attempt, refused("UNKNOWN_OUTCOME"));
  if (record.state === "void" && record.epoch === attempt.epoch)
    return answer(record, attempt, refused("CONFLICT", DECIDED_VOID));
  return { rule: "perform" };
}

/** Did the effect of this key happen? If not, it never will under this epoch or an older one. */
export function ruleDecide(found: EffectRecord | undefined, attempt: Asked): Ruling<Decision> & { rule: "answer" } {
  const record = judged(found, attempt);
  if (record === undefined) return decideVoid(attempt);
  const stale = refuseStale(record, attempt);
  if (stale !== undefined) return stale;
  if (record.state === "done") return answer(record, attempt, done({ decided: "happened", result: record.result }));
  if (record.state === "started") return answer(record, attempt, refused("UNKNOWN_OUTCOME"));
  return decideVoid(attempt);
}

/** The record after what a person has decided. */
function judged(record: EffectRecord | undefined, { void_until }: Asked): EffectRecord | undefined {
  return record?.state === "started" && record.epoch <= void_until ? { ...record, state: "open" } : record;
}

function refuseStale(record: EffectRecord, attempt: Attempt) {
  const refuse = (end: End<never>) => ({ rule: "answer", end, record: undefined }) as const;
  if (record.arguments !== attempt.arguments) return refuse(refused("PERMIT_INVALID"));
  if (attempt.epoch < record.epoch) return refuse(refused("PERMIT_EXPIRED"));
  return undefined;
}

/** The answer, and the record with its epoch raised where this attempt is newer. */
function answer<T>(record: EffectRecord, { epoch }: Attempt, end: End<T>): Ruling<T> & { rule: "answer" } {
  return { rule: "answer", end, record: epoch > record.epoch ? { ...record, epoch } : undefined };
}

function decideVoid(attempt: Attempt): Ruling<Decision> & { rule: "answer" } {
  const record: EffectRecord = { ...pick(attempt), state: "void", result: null };
  return { rule: "answer", end: done({ decided: "void", result: null }), record };
}

/** The record of an effect that happened. */
export function recordDone(attempt: Attempt, result: Json): EffectRecord {
  return { ...pick(attempt), state: "done", result };
}

/** The record of an attempt after which nothing has happened: older ones stay fenced off. */
export function recordOpen(attempt: Attempt): EffectRecord {
  return { ...pick(attempt), state: "open", result: null };
}

/** The record of an effect that is about to leave for a system that cannot be asked later. */
export function recordStarted(attempt: Attempt): EffectRecord {
  return { ...pick(attempt), state: "started", result: null };
}

function pick({ epoch, arguments: digest }: Attempt): Attempt {
  return { epoch, arguments: digest };
}
