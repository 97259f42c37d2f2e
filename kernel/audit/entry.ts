/** What stands in the audit log: a closed list of verbs and fields. There is no field that could hold free text. */
import { type Static, Type } from "typebox";
import { LOGGED_FIELDS_MAX, LOGGED_TOKENS_MAX } from "../abi/bounds.ts";
import { events } from "../abi/events.ts";
import { scopes } from "../abi/grant.ts";
import {
  AssignmentId,
  Capability,
  CaseId,
  CellId,
  DeliveryId,
  Digest,
  Epoch,
  LookupId,
  Mode,
  Name,
  Step,
  TaskId,
  Time,
} from "../abi/ids.ts";
import { Isolation } from "../abi/messages.ts";

export const verbs = [
  "start",
  "quiet",
  "log_key",
  "clock_back",
  "submit",
  "claim",
  "expire",
  "intend",
  "outcome",
  "decide",
  "settle",
  "receipt",
  "undeliverable",
  "finding",
  "lookup",
  "take",
  "finish",
  "return",
  "replay",
  "shadow",
  "try",
  "sign_in",
  "agent_approve",
  "agent_offline",
  "agent_online",
  "cell_start",
  "cell_end",
  "cells_halt",
  "cells_resume",
  "keys_rotate",
  "keys_revoke",
] as const;
export type Verb = (typeof verbs)[number];

/** What a call did to one running total; `amount` is negative for a release. */
const LedgerEffect = Type.Object(
  {
    scope: Type.Enum(scopes),
    measure: Type.String({ pattern: "^[a-z][a-z0-9_]{0,30}$" }),
    unit: Type.Union([Type.Null(), Type.String({ pattern: "^[A-Z]{3}$" })]),
    amount: Type.Integer(),
    total: Type.Integer(),
  },
  { additionalProperties: false },
);
export type LedgerEffect = Static<typeof LedgerEffect>;

const Code = Type.String({ pattern: "^[A-Z][A-Z0-9_]{2,40}$" });
const KeyId = Type.String({ pattern: "^[0-9A-Za-z_-]{1,64}$" });
const TOKEN = "^(\\[[A-Z]{2,12}_[1-9][0-9]{0,5}\\]|tok_[0-9a-z]{8})$";
const FIELD = "^[a-z][a-z0-9_.]{0,63}$";

export const Entry = Type.Object(
  {
    time: Time,
    verb: Type.Enum(verbs),
    /** A person or a frontend. */
    who: Type.Optional(Name),
    task: Type.Optional(Type.Union([TaskId, LookupId])),
    case: Type.Optional(CaseId),
    assignment: Type.Optional(AssignmentId),
    role: Type.Optional(Name),
    /** Of a task; of a signing key: base or task. */
    kind: Type.Optional(Name),
    cell: Type.Optional(CellId),
    epoch: Type.Optional(Epoch),
    /** Of a run that is not live; without it what happened is live. */
    mode: Type.Optional(Mode),
    step: Type.Optional(Step),
    /** `jti` of the keys; `kid` of a signing key; the public half of the log's key. */
    keys: Type.Optional(Type.Array(KeyId, { maxItems: 4 })),
    capability: Type.Optional(Capability),
    /** Digest of the tokenised arguments. */
    arguments: Type.Optional(Digest),
    tokens: Type.Optional(Type.Array(Type.String({ pattern: TOKEN }), { maxItems: LOGGED_TOKENS_MAX })),
    fields: Type.Optional(Type.Array(Type.String({ pattern: FIELD }), { maxItems: LOGGED_FIELDS_MAX })),
    decision: Type.Optional(Type.Union([Type.Literal("allowed"), Type.Literal("refused"), Type.Literal("replayed")])),
    code: Type.Optional(Code),
    /** What the transition map was asked about (HandedBack needs no answer of it), or would be had the run been live. */
    event: Type.Optional(Type.Enum(events)),
    /** How a call ended, where the task stands after an attempt, or what a run that is not live came to. */
    outcome: Type.Optional(
      Type.Enum([
        "done",
        "refused",
        "unknown",
        "happened",
        "void",
        "ready",
        "waiting",
        "Completed",
        "Failed",
        "same",
        "different",
        "given up",
      ]),
    ),
    bundle: Type.Optional(Digest),
    isolation: Type.Optional(Isolation),
    delivery: Type.Optional(DeliveryId),
    ledger: Type.Optional(Type.Array(LedgerEffect, { maxItems: 64 })),
  },
  { additionalProperties: false },
);
export type Entry = Static<typeof Entry>;

const token = new RegExp(TOKEN);
const field = new RegExp(FIELD);

/** Those of the names the vault reports that have the form of a token. */
export function tokensOf(names: readonly string[]): string[] {
  return names.filter((name) => token.test(name));
}

/** Those of the names the vault reports that have the form of a field. */
export function fieldsOf(names: readonly string[]): string[] {
  return names.filter((name) => field.test(name));
}
