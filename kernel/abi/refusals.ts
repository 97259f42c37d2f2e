/**
 * Refusal codes: a closed list. A code is stable for ever; the sentence is the default and may carry figures where it
 * is raised. Grouped by who decides.
 */
export const refusalCodes = {
  // door: the form of a call and its keys
  MALFORMED: "The request is not what the interface describes.",
  TOO_LARGE: "The request is larger than allowed.",
  UNKNOWN_PATH: "There is nothing at this path.",
  KEY_INVALID: "A key is not one this appliance made, or not in its exact form.",
  KEY_EXPIRED: "A key is no longer valid.",
  KEY_MISMATCH: "The keys belong to another cell, task or role.",
  CAPABILITY_UNKNOWN: "No operation of that name exists.",
  CAPABILITY_NOT_GRANTED: "This role may not do that. Escalate if it has to be done.",
  ARGUMENT_INVALID: "An argument is missing, unknown or of the wrong form.",
  CUSTOMER_REQUIRED: "This operation works on a customer and the case has none.",
  // kernel: grant, ledger, journal
  EPOCH_STALE: "This attempt has been replaced by a later one.",
  REPLAY_DIVERGED: "This step was done before with other arguments; a human will look at it.",
  STEP_INVALID: "Steps are counted from one, at most 10,000 in an assignment.",
  LIMIT_CALL: "The amount is over the limit of one call. Escalate for more.",
  LIMIT_TASK: "The total of this task would pass its limit. Escalate for more.",
  LIMIT_CUSTOMER_DAY: "The total of this customer for today would pass its limit. Escalate for more.",
  LIMIT_ROLE_DAY: "The total of this role for today would pass its limit. Escalate for more.",
  LIMIT_UNIT: "There is no limit granted in that unit, so nothing may be done in it.",
  END_UNPROVEN: "Nothing proves how this effect ended; it will be decided.",
  MODE_NOT_LIVE: "This run is not live; it performs no effects.",
  // vault and proxies: tokens and effects
  TOKEN_UNKNOWN: "A token in the arguments does not stand for anything in this case.",
  TOKEN_MISPLACED: "A token stands where this operation takes none, or takes another class.",
  RECIPIENT_NOT_ALLOWED: "Messages may only go to a contact of this customer that was not changed in this case.",
  PERMIT_INVALID: "The permit does not cover this call.",
  PERMIT_EXPIRED: "The permit is no longer valid.",
  NOT_FOUND: "The record does not exist, or belongs to somebody else.",
  CONFLICT: "The record does not allow that now.",
  RESULT_TOO_LARGE: "The result is larger than a call may return.",
  CASE_TABLE_FULL: "This case holds as many personal values as a case may.",
  UNKNOWN_OUTCOME: "Nobody can tell whether this effect happened; a human decides.",
  // submissions and administration
  IDEMPOTENCY_CONFLICT: "The idempotency key was used before for another submission.",
  IDEMPOTENCY_REQUIRED: "The header Idempotency-Key is missing.",
  API_KEY_INVALID: "The API key is missing or unknown.",
  KIND_UNKNOWN: "No transition begins with that kind of task.",
  KIND_NOT_ALLOWED: "This frontend may not send that kind of task.",
  CUSTOMER_MISSING: "This kind of task needs a customer.",
  CUSTOMER_UNKNOWN: "No such customer exists.",
  CASE_UNKNOWN: "No such open case of this frontend exists.",
  TASK_UNKNOWN: "No such task exists.",
  TASK_STATE: "The task is not in a state that allows that.",
  ROLE_UNKNOWN: "No such role exists.",
  BUNDLE_INVALID: "The agent folder is not one that can be approved.",
  POLICY_INVALID: "policy.yaml is not valid.",
  SIGN_IN_REQUIRED: "Sign in first.",
  SIGN_IN_FAILED: "The person or the secret is wrong.",
  KEY_UNKNOWN: "No role, no live key and no signing key has that name. See the list of keys.",
  COSIGNED_MALFORMED: "That is no checkpoint as a signed note (C2SP signed-note).",
  CHECKPOINT_FOREIGN: "That is no checkpoint of this log.",
  WITNESS_UNKNOWN: "None of its signatures is by a witness that silo.yaml names.",
  COSIGNATURE_WRONG: "A witness named in it has not signed this text.",
  COSIGNATURE_TIME: "A witness cannot have signed it at the time it says.",
  COSIGNATURE_TWICE: "Every witness that has signed it had been taken before.",
  NOT_PERMITTED: "This person may not do that.",
} as const;

export type RefusalCode = keyof typeof refusalCodes;

export function isRefusalCode(code: string): code is RefusalCode {
  return Object.hasOwn(refusalCodes, code);
}
