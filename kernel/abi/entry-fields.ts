/** The fields an audit entry may have, each with its form. None of them could hold free text. */
import { type Static, type TSchema, Type } from "typebox";
import { LOGGED_FIELDS_MAX, LOGGED_TOKENS_MAX } from "./bounds.ts";
import { events } from "./events.ts";
import { scopes } from "./grant.ts";
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
} from "./ids.ts";
import { Isolation } from "./messages.ts";

const strict = { additionalProperties: false };

/** What a call did to one running total; `amount` is negative for a release. Money is in minor units. */
const LedgerEffect = Type.Object(
  {
    scope: Type.Enum(scopes),
    measure: Type.String({ pattern: "^[a-z][a-z0-9_]{0,30}$" }),
    unit: Type.Union([Type.Null(), Type.String({ pattern: "^[A-Z]{3}$" })]),
    amount: Type.Integer(),
    total: Type.Integer(),
  },
  strict,
);
export type LedgerEffect = Static<typeof LedgerEffect>;

/** SHA-256 of the files in force. `operations`: of all its files, one behind the other in the order of their names. */
const Configuration = Type.Object(
  { settings: Digest, transitions: Digest, people: Digest, operations: Digest },
  strict,
);
export type Configuration = Static<typeof Configuration>;

const TOKEN = "^(\\[[A-Z]{2,12}_[1-9][0-9]{0,5}\\]|tok_[0-9a-z]{8})$";
const FIELD = "^[a-z][a-z0-9_.]{0,63}$";
const KeyId = Type.String({ pattern: "^[0-9A-Za-z_-]{1,64}$" });

function said<S extends TSchema>(description: string, schema: S): S {
  return { ...schema, description };
}

export const fields = {
  who: said("A person or a frontend.", Name),
  task: said("The task, or the look-up of the vault.", Type.Union([TaskId, LookupId])),
  case: CaseId,
  assignment: said("The task in the hands of one role.", AssignmentId),
  role: Name,
  kind: said("Of a task; of a signing key: base or task.", Name),
  cell: CellId,
  epoch: said("The number of the attempt.", Epoch),
  mode: said("Of a run that is not live; without it what happened is live.", Mode),
  step: said("The number of the call in its assignment.", Step),
  keys: said(
    "The jti of base key and task key; the kid of signing keys; the public half of the log's key or of a witness's.",
    Type.Array(KeyId, { maxItems: 4 }),
  ),
  capability: Capability,
  arguments: said("SHA-256 of the canonical JSON of the tokenised arguments.", Digest),
  tokens: said(
    "The tokens in a result, never what they stand for.",
    Type.Array(Type.String({ pattern: TOKEN }), { maxItems: LOGGED_TOKENS_MAX }),
  ),
  fields: said(
    "The names of a result's fields.",
    Type.Array(Type.String({ pattern: FIELD }), { maxItems: LOGGED_FIELDS_MAX }),
  ),
  decision: Type.Enum(["allowed", "refused", "replayed"]),
  code: said("Why it was refused or ended so.", Type.String({ pattern: "^[A-Z][A-Z0-9_]{2,40}$" })),
  event: said(
    "What the transition map was asked about (HandedBack needs no answer of it), or would be had the run been live.",
    Type.Enum(events),
  ),
  outcome: said(
    "How a call ended, where the task stands after an attempt, or what a run that is not live came to.",
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
  bundle: said("SHA-256 that names the folder of an agent, or the declaration of a role of people.", Digest),
  isolation: Isolation,
  delivery: DeliveryId,
  ledger: said("Running totals that changed.", Type.Array(LedgerEffect, { maxItems: 64 })),
  size: said("Entries under a checkpoint.", Type.Integer({ minimum: 1 })),
  version: said("Of SiloOS.", Type.String({ pattern: "^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$" })),
  machine: Type.Enum(["trial", "appliance"]),
  lowered: said("How many guards were lowered on purpose.", Type.Integer({ minimum: 0, maximum: 1000 })),
  config: said("SHA-256 of the configuration in force.", Configuration),
  before: said("The time the log ended with, ms since 1970.", Time),
  by_ms: said("How far the clock was set: ahead, or back when negative.", Type.Integer()),
  asked: said(
    "The request that was refused, as the console's edge names it.",
    Type.String({ pattern: "^[a-z_]{2,30}$" }),
  ),
};
export type Field = keyof typeof fields;

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
