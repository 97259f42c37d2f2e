/**
 * What crosses each edge: one table of messages per edge, request and value, as schemas. `edges.ts` names the edges.
 * Every message ends in one of the three endings (ends.ts); the `value` here is what `done` carries.
 */
import { type Static, type TSchema, Type } from "typebox";
import { LOGGED_FIELDS_MAX, LOGGED_TOKENS_MAX } from "./bounds.ts";
import {
  AssignmentId,
  Capability,
  CaseId,
  CellId,
  CustomerToken,
  DeliveryId,
  Digest,
  Epoch,
  LookupId,
  Mode,
  Name,
  Sealed,
  Slot,
  Step,
  Subject,
  TaskId,
  Time,
} from "./ids.ts";
import { Permit } from "./permit.ts";
import { type RefusalCode, refusalCodes } from "./refusals.ts";
import {
  AnyJson,
  Arguments,
  Fields,
  Jwt,
  loggedNames,
  message,
  nothing,
  nullable,
  object,
  Sentence,
  Text,
} from "./shapes.ts";

/** What a task's cell is told. Tokens only. */
export const TaskDocument = object({
  task: TaskId,
  case: CaseId,
  kind: Name,
  role: Name,
  customer: nullable(CustomerToken),
  fields: Fields,
  text: Text,
  mode: Mode,
  /** The task's own clock: the same in every re-run of this assignment. */
  now: Time,
  /** Step of the first call this cell will make. */
  first_step: Step,
  /** Who had the task before, and why they handed it over. */
  history: Type.Array(object({ role: Name, reason: Sentence, recommendation: Sentence, facts: Fields }), {
    maxItems: 32,
  }),
  /** A person's click: run this one function of tools.py instead of main.py. */
  click: nullable(object({ tool: Type.String({ pattern: "^[a-z][a-z0-9_]{0,60}$" }), arguments: Fields })),
});
export type TaskDocument = Static<typeof TaskDocument>;

/** What a cell may use, in plain numbers. */
export const Resources = object({
  memory_mib: Type.Integer({ minimum: 32, maximum: 16_384 }),
  work_mib: Type.Integer({ minimum: 1, maximum: 1024 }),
  processes: Type.Integer({ minimum: 1, maximum: 512 }),
  files: Type.Integer({ minimum: 16, maximum: 4096 }),
  output_kib: Type.Integer({ minimum: 1, maximum: 1024 }),
});
export type Resources = Static<typeof Resources>;

export const Isolation = Type.Union([Type.Literal("nspawn"), Type.Literal("gvisor")]);
export type Isolation = Static<typeof Isolation>;

/** How a cell ended. `failed`: it never came up. */
export const Exit = object({
  reason: Type.Union([
    Type.Literal("exited"),
    Type.Literal("killed"),
    Type.Literal("deadline"),
    Type.Literal("failed"),
  ]),
  code: nullable(Type.Integer()),
  signal: nullable(Type.String({ maxLength: 20 })),
  millis: Type.Integer({ minimum: 0 }),
});
export type Exit = Static<typeof Exit>;

/** How the vault tells the kernel a permitted call ended. */
export const CallEnd = Type.Union([Type.Literal("done"), Type.Literal("refused"), Type.Literal("unknown")]);

/** A refusal or violation somebody other than the kernel decided; the kernel writes it into the log. */
const Finding = object({
  cell: nullable(CellId),
  /** From the closed list: whoever sends it cannot spell words of its own into the log. */
  code: Type.Enum(Object.keys(refusalCodes) as RefusalCode[]),
  capability: nullable(Type.String({ maxLength: 64 })),
  step: nullable(Type.Integer({ minimum: 0 })),
  /** Which layer, in a few words of our own; never a stranger's text. */
  detail: Type.String({ maxLength: 200 }),
});

/** What the proxy that acted says of an effect's end (proof.ts); null of a read, and where nobody has said anything. */
const Proof = nullable(Digest);

export const ingressToVault = {
  submit: message(
    {
      frontend: Name,
      idempotency: Type.String({ minLength: 1, maxLength: 128 }),
      kind: Name,
      customer: nullable(Type.String({ minLength: 1, maxLength: 128 })),
      /** A follow-up names the case of an earlier task; null opens a new one. */
      case: nullable(CaseId),
      fields: Fields,
      text: Text,
    },
    object({ task: TaskId, case: CaseId, duplicate: Type.Boolean() }),
  ),
};

export const vaultToIngress = {
  /** `done` is the receipt: the frontend has it. `later`: keep it and try again. */
  answer: message(
    {
      delivery: DeliveryId,
      frontend: Name,
      task: TaskId,
      case: CaseId,
      kind: Name,
      event: Type.Union([Type.Literal("Completed"), Type.Literal("Failed")]),
      text: Text,
      fields: Fields,
    },
    nothing,
  ),
};

export const TaskState = Type.Union([
  Type.Literal("ready"),
  Type.Literal("leased"),
  Type.Literal("waiting"),
  Type.Literal("ended"),
]);

export const ingressToKernel = {
  /** With `answer`, an ended task's answer is delivered (again) through the vault. */
  state: message(
    { frontend: Name, task: TaskId, answer: Type.Boolean() },
    object({
      task: TaskId,
      case: CaseId,
      kind: Name,
      state: TaskState,
      /** With whom: an agent's or a human role. */
      role: nullable(Name),
      event: nullable(Type.Union([Type.Literal("Completed"), Type.Literal("Failed")])),
      created: Time,
      updated: Time,
    }),
  ),
};

export const vaultToKernel = {
  submit: message(
    {
      frontend: Name,
      /** Keyed digest of the frontend's own key, which may be made of personal values. */
      idempotency: Digest,
      /** Keyed digest of the whole submission: tells a repeat from a conflict. */
      request: Digest,
      kind: Name,
      case: CaseId,
      /** The vault made this case for this submission. */
      opens: Type.Boolean(),
      customer: nullable(CustomerToken),
      subject: nullable(Subject),
      fields: Fields,
      text: Text,
      /** What the vault must remember of this case. */
      sealed: Type.Array(Sealed, { maxItems: 4 }),
    },
    object({ task: TaskId, case: CaseId, duplicate: Type.Boolean() }),
  ),
  /** The case of a follow-up, with everything the vault sealed for it. */
  table: message(
    { frontend: Name, case: CaseId },
    object({ customer: nullable(CustomerToken), subject: nullable(Subject), sealed: Type.Array(Sealed) }),
  ),
  /** A permit for one of the vault's own operations (`caller: vault`), logged like any other. */
  lookup: message(
    { lookup: LookupId, case: CaseId, capability: Capability, arguments: Arguments },
    object({ permit: Permit }),
  ),
  outcome: message(
    {
      task: TaskId,
      assignment: AssignmentId,
      step: Step,
      epoch: Epoch,
      end: CallEnd,
      code: nullable(Type.String({ pattern: "^[A-Z][A-Z0-9_]{2,40}$" })),
      message: nullable(Sentence),
      /** The tokenised value, sealed; null when refused or unknown. */
      value: nullable(Sealed),
      /** Of an effect: that it happened where the end is done, that it never will where it is refused. */
      proof: Proof,
      /** New entries of the case's token table, sealed; null when there are none. */
      table: nullable(Sealed),
      /** Which tokens and fields were touched: for the log. */
      tokens: loggedNames(LOGGED_TOKENS_MAX),
      fields: loggedNames(LOGGED_FIELDS_MAX),
    },
    nothing,
  ),
  finding: message({ finding: Finding }, nothing),
};

export const doorToKernel = {
  intend: message(
    { cell: CellId, assignment: AssignmentId, epoch: Epoch, step: Step, capability: Capability, arguments: Arguments },
    /** A permit to act, the sealed recorded outcome to replay, or neither where the declaration's stand-in is the answer. */
    object({ permit: nullable(Permit), replay: nullable(Sealed), stand_in: Type.Boolean() }),
  ),
  end: message(
    {
      cell: CellId,
      assignment: AssignmentId,
      epoch: Epoch,
      ending: Type.Union([
        object({ how: Type.Literal("complete"), text: Text, fields: Fields }),
        object({ how: Type.Literal("escalate"), reason: Sentence, recommendation: Sentence, facts: Fields }),
      ]),
    },
    nothing,
  ),
  finding: message({ finding: Finding }, nothing),
};

export const doorToVault = {
  /** The vault knows case, task and customer from the kernel's bind of this cell, not from the door. */
  call: message(
    {
      cell: CellId,
      step: Step,
      capability: Capability,
      arguments: Arguments,
      permit: nullable(Permit),
      replay: nullable(Sealed),
      /** Nothing is done: the cell gets what the operation declares in place of a result. */
      stand_in: Type.Boolean(),
    },
    object({ value: AnyJson }),
  ),
};

export const vaultToProxy = {
  act: message(
    {
      permit: Permit,
      /** As the kernel permitted them. */
      arguments: Arguments,
      /** The same with values where tokens stood. */
      values: Arguments,
      /** The customer's id, for operations that work on one. */
      customer: nullable(Type.String({ maxLength: 128 })),
    },
    /** One object, null, or an array of objects, as the operation declares. */
    object({ result: AnyJson, proof: Proof }),
  ),
  /** An intent without outcome: the recorded result, or a void committed so that a late first attempt fails. */
  decide: message(
    { permit: Permit, arguments: Arguments },
    object({ decided: Type.Union([Type.Literal("happened"), Type.Literal("void")]), result: AnyJson, proof: Proof }),
  ),
};

export const kernelToDoor = {
  /** The public keys that verify now (JWK sets); sent at connect and at rotation. */
  keys: message({ issuer: Type.String(), base: Type.Array(AnyJson), task: Type.Array(AnyJson) }, nothing),
  /** Answered when this slot's cell has been probed and is waiting. */
  expect: message({ slot: Slot, cell: CellId }, nothing),
  /** Answered when the waiting cell has got its task. */
  bind: message(
    {
      slot: Slot,
      cell: CellId,
      assignment: AssignmentId,
      epoch: Epoch,
      document: TaskDocument,
      base_key: Jwt,
      task_key: Jwt,
    },
    nothing,
  ),
  /** Closes the slot: connections end, keys of this cell are void. */
  end: message({ slot: Slot, cell: CellId }, nothing),
};

export const kernelToVault = {
  bind: message(
    {
      cell: CellId,
      case: CaseId,
      task: TaskId,
      assignment: AssignmentId,
      epoch: Epoch,
      mode: Mode,
      sealed: Type.Array(Sealed),
    },
    nothing,
  ),
  end: message({ cell: CellId }, nothing),
  /** Decide an intent without outcome; ends as `outcome` would. */
  settle: message(
    { case: CaseId, sealed: Type.Array(Sealed), permit: Permit, arguments: Arguments },
    object({
      decided: Type.Union([Type.Literal("happened"), Type.Literal("void")]),
      value: nullable(Sealed),
      table: nullable(Sealed),
      proof: Proof,
    }),
  ),
  /** Hydrate an answer and hand it to ingress; `done` when the frontend has it. */
  deliver: message(
    {
      delivery: DeliveryId,
      frontend: Name,
      task: TaskId,
      case: CaseId,
      kind: Name,
      event: Type.Union([Type.Literal("Completed"), Type.Literal("Failed")]),
      text: Text,
      fields: Fields,
      sealed: Type.Array(Sealed),
    },
    nothing,
  ),
  /** Destroy the case's key. */
  close: message({ case: CaseId }, nothing),
};

export const kernelToJailer = {
  /** Answered when the cell is gone, with how. A lost connection kills every cell it started. */
  start: message(
    {
      slot: Slot,
      cell: CellId,
      isolation: Isolation,
      bundle: Digest,
      deadline_ms: Type.Integer({ minimum: 1 }),
      resources: Resources,
    },
    object({ exit: Exit }),
  ),
  /** Answered when nothing of the cell is left. */
  kill: message({ cell: CellId }, nothing),
};

export type Messages = Record<string, { request: TSchema; value: TSchema }>;
export type RequestOf<M extends Messages, K extends keyof M> = Static<M[K]["request"]>;
export type ValueOf<M extends Messages, K extends keyof M> = Static<M[K]["value"]>;
