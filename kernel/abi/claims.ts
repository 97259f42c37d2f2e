/** What the two keys say (DESIGN: keys). Verification is in keys.ts; who may do what with them is decided by the kernel. */
import { type Static, Type } from "typebox";
import { Capabilities } from "./grant.ts";
import { AssignmentId, CaseId, CellId, CustomerToken, Digest, Epoch, Mode, Name, TaskId } from "./ids.ts";

const registered = {
  iss: Type.String({ minLength: 1, maxLength: 100 }),
  aud: Type.Literal("silo-door"),
  sub: Type.String({ minLength: 1, maxLength: 100 }),
  jti: Type.String({ pattern: "^[0-9a-z]{16}$" }),
  iat: Type.Integer({ minimum: 0 }),
  nbf: Type.Integer({ minimum: 0 }),
  exp: Type.Integer({ minimum: 0 }),
};

/** `typ: silo-base+jwt`. What a role may do; `sub` is the agent's role or the person. */
export const BaseClaims = Type.Object(
  {
    ...registered,
    role: Name,
    bundles: Type.Array(Digest, { maxItems: 16 }),
    capabilities: Capabilities,
    escalates_to: Type.Array(Name, { maxItems: 16 }),
    subagents: Type.Array(Name, { maxItems: 16 }),
  },
  { additionalProperties: false },
);
export type BaseClaims = Static<typeof BaseClaims>;

/** `typ: silo-task+jwt`. Which customer, case and task, for which cell and attempt. `sub` is the task id. */
export const TaskClaims = Type.Object(
  {
    ...registered,
    task: TaskId,
    case: CaseId,
    assignment: AssignmentId,
    customer: Type.Union([CustomerToken, Type.Null()]),
    /** Digest of the originating event: what the user actually asked. */
    event: Digest,
    role: Name,
    bundle: Digest,
    cell: CellId,
    epoch: Epoch,
    mode: Mode,
  },
  { additionalProperties: false },
);
export type TaskClaims = Static<typeof TaskClaims>;

/** The two kinds of keys, and of the signing keys behind them. */
export const keyKinds = ["base", "task"] as const;
export type KeyKind = (typeof keyKinds)[number];

export const BASE_TYP = "silo-base+jwt";
export const TASK_TYP = "silo-task+jwt";
