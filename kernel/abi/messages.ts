/**
 * What crosses each edge: one table of messages per edge, request and value, as schemas. `edges.ts` names the edges.
 * Every message ends in one of the three endings (ends.ts); the `value` here is what `done` carries.
 */
import { type Static, type TSchema, Type } from "typebox";
import {
  FIELD_CHARS_MAX,
  KEY_CHARS_MAX,
  LOGGED_FIELDS_MAX,
  LOGGED_TOKENS_MAX,
  TEXT_CHARS_MAX,
  UNKNOWN_SHOWN_MAX,
} from "./bounds.ts";
import { keyKinds } from "./claims.ts";
import { Capabilities } from "./grant.ts";
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

function message<const R extends Record<string, TSchema>, const V extends TSchema>(request: R, value: V) {
  return { request: Type.Object(request, { additionalProperties: false }), value };
}

function object<const P extends Record<string, TSchema>>(properties: P) {
  return Type.Object(properties, { additionalProperties: false });
}

const nothing = object({});
const nullable = <const T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
export const Sentence = Type.String({ maxLength: 4096 });
/** Free text of people and agents; in the kernel's hands it holds tokens only. */
export const Text = Type.String({ maxLength: TEXT_CHARS_MAX });
const Scalar = Type.Union([Type.String({ maxLength: FIELD_CHARS_MAX }), Type.Number(), Type.Boolean(), Type.Null()]);
/** Named fields of a submission or an answer. */
export const Fields = Type.Record(Type.String({ pattern: "^[a-z][a-z0-9_]{0,30}$" }), Scalar, {
  additionalProperties: false,
  maxProperties: 64,
});
const loggedNames = (maxItems: number) => Type.Array(Type.String({ maxLength: 64 }), { maxItems });
const AnyJson = Type.Unknown();
/** Tokenised arguments of a call, already valid against the operation's schema. */
const Arguments = Type.Record(Type.String({ pattern: "^[^]{0,64}$" }), AnyJson, { additionalProperties: false });
const Jwt = Type.String({ maxLength: KEY_CHARS_MAX });

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

/** A call of a run that is not live; `recorded`: an effect that was not performed. What was read keeps no arguments. */
const MadeCall = object({
  step: Step,
  capability: Capability,
  arguments: Arguments,
  outcome: nullable(Type.Union([Type.Literal("done"), Type.Literal("recorded"), Type.Literal("refused")])),
  code: nullable(Type.String()),
  message: nullable(Sentence),
});

/** How a run ended (`complete`, `escalate`, `exit`, `timeout`), and what it said. */
const RunEnd = object({ how: Type.String({ maxLength: 20 }), said: Type.Record(Type.String(), AnyJson) });

/** A call or an ending, side by side with another. What was read keeps no arguments but their digest. */
const Deed = object({ what: Type.String({ maxLength: 64 }), digest: Digest, arguments: Arguments });
/** The first; `step` is null where it is the ending that differs. */
const Difference = object({ step: nullable(Step), recorded: nullable(Deed), made: nullable(Deed) });

const TaskLine = object({
  task: TaskId,
  case: CaseId,
  kind: Name,
  state: TaskState,
  role: nullable(Name),
  person: nullable(Name),
  event: nullable(Type.String()),
  reason: nullable(Sentence),
  attempts: Type.Integer({ minimum: 0 }),
  created: Time,
  updated: Time,
});
export type TaskLine = Static<typeof TaskLine>;

const AgentLine = object({
  role: Name,
  /** offline: no task is routed to it. pending: the folder differs from the approved bundle. invalid: the folder cannot be approved. */
  state: Type.Union([
    Type.Literal("online"),
    Type.Literal("offline"),
    Type.Literal("pending"),
    Type.Literal("invalid"),
  ]),
  bundle: nullable(Digest),
  folder: nullable(Digest),
  /** What the folder asks for; null where it is invalid, and `problem` says why. */
  asks: nullable(Capabilities),
  granted: nullable(Capabilities),
  /** What the cells of the folder, and of the approved bundle, are held by; null for a role of people, which brings no code. */
  isolation: object({ asked: nullable(Isolation), approved: nullable(Isolation) }),
  problem: nullable(object({ code: Type.String({ pattern: "^[A-Z][A-Z0-9_]{2,40}$" }), message: Sentence })),
});
export type AgentLine = Static<typeof AgentLine>;

export const AuditLine = object({
  index: Type.Integer({ minimum: 0 }),
  leaf: Digest,
  entry: Type.Record(Type.String(), AnyJson),
});
export type AuditLine = Static<typeof AuditLine>;

const Kid = Type.String({ pattern: "^[A-Za-z0-9_-]{43}$" });
const KeyId = Type.String({ pattern: "^[0-9a-z]{16}$" });

const SigningKeyLine = object({
  kid: Kid,
  kind: Type.Enum(keyKinds),
  made: Time,
  /** When it began to sign; null: it does not yet. */
  since: nullable(Time),
  /** Until when it verifies; null: it signs, or will. */
  until: nullable(Time),
  /** Keys it signed that a cell holds now. */
  live: Type.Integer({ minimum: 0 }),
});
export type SigningKeyLine = Static<typeof SigningKeyLine>;

const LiveKeyLine = object({
  key: KeyId,
  kind: Type.Enum(keyKinds),
  kid: Kid,
  role: Name,
  /** Of a base key the role or person, of a task key the task. */
  sub: Type.String({ maxLength: 100 }),
  made: Time,
  until: Time,
  /** The tasks whose cells hold it. */
  tasks: Type.Array(TaskId),
});
export type LiveKeyLine = Static<typeof LiveKeyLine>;

export const consoleToKernel = {
  /** A person signs in per connection; the socket names only the channel. */
  sign_in: message(
    { person: Name, secret: Type.String({ maxLength: 256 }) },
    object({ person: Name, roles: Type.Array(Name), administrator: Type.Boolean() }),
  ),
  status: message(
    {},
    object({
      version: Type.String(),
      mode: Type.String(),
      started: Time,
      /** Guards that are lowered on this host, each a sentence. */
      lowered: Type.Array(Sentence),
      tasks: Type.Record(Type.String(), Type.Integer()),
      roles: Type.Array(
        object({ role: Name, human: Type.Boolean(), online: Type.Boolean(), bundle: nullable(Digest) }),
      ),
      /** `used`: by cells that have work. */
      slots: object({ total: Type.Integer(), used: Type.Integer() }),
      pool: object({
        /** Since the kernel's start: cells that waited when their work came, and cells started for it. */
        taken: Type.Integer({ minimum: 0 }),
        cold: Type.Integer({ minimum: 0 }),
        /** Cells that wait now. */
        waiting: Type.Array(object({ role: Name, cells: Type.Integer({ minimum: 1 }) })),
      }),
      /** Why no cell is started: what one found missing before it was offered (kernel/probe-checks.ts), and when. */
      halted: nullable(object({ check: Type.String({ maxLength: 40 }), cell: CellId, since: Time })),
      audit_entries: Type.Integer({ minimum: 0 }),
      /** Entries under the last checkpoint, the verifier key, and why nothing is published where that is so. */
      audit_log: object({
        published: Type.Integer({ minimum: 0 }),
        key: Type.String(),
        fault: nullable(Sentence),
      }),
      undelivered: Type.Integer({ minimum: 0 }),
      /** Peers and whether they are connected. */
      peers: Type.Record(Type.String(), Type.Boolean()),
    }),
  ),
  task_list: message(
    {
      state: nullable(TaskState),
      role: nullable(Name),
      dead: Type.Boolean(),
      limit: Type.Integer({ minimum: 1, maximum: 1000 }),
    },
    object({ tasks: Type.Array(TaskLine) }),
  ),
  task_show: message(
    { task: TaskId },
    object({
      line: TaskLine,
      document: TaskDocument,
      journal: Type.Array(Type.Record(Type.String(), AnyJson)),
      result: nullable(object({ text: Text, fields: Fields })),
      /** Effects of which nobody can tell whether they happened, at most UNKNOWN_SHOWN_MAX. */
      unknown: Type.Array(object({ assignment: AssignmentId, role: Name, step: Step, capability: Capability }), {
        maxItems: UNKNOWN_SHOWN_MAX,
      }),
      /** What the agent did in shadow beside the person; for administrators. `run` is null until it has run. */
      shadow: nullable(
        object({
          role: Name,
          state: Type.Union([Type.Literal("due"), Type.Literal("ran"), Type.Literal("given up")]),
          run: nullable(object({ bundle: Digest, at: Time, calls: Type.Array(MadeCall), ending: RunEnd })),
        }),
      ),
    }),
  ),
  task_take: message({ task: TaskId }, object({ line: TaskLine })),
  /** One click: one function of tools.py in a cell of its own. Answered when that cell has ended. */
  task_call: message(
    { task: TaskId, tool: Type.String({ pattern: "^[a-z][a-z0-9_]{0,60}$" }), arguments: Fields },
    object({ text: Text, fields: Fields }),
  ),
  task_finish: message({ task: TaskId, text: Text, fields: Fields }, object({ line: TaskLine })),
  /** The person who holds the task says whether an effect happened. `assignment`: where a step alone names two calls. */
  task_decide: message(
    {
      task: TaskId,
      assignment: nullable(AssignmentId),
      step: Step,
      decision: Type.Union([Type.Literal("happened"), Type.Literal("did-not")]),
    },
    object({ line: TaskLine }),
  ),
  /** Back to the role that had it before, for a new attempt from the start. */
  task_return: message({ task: TaskId }, object({ line: TaskLine })),
  /** Runs the last agent of an ended task once more on what was recorded, with no effects. Answered when that cell has ended. */
  task_replay: message(
    { task: TaskId },
    object({
      role: Name,
      /** Calls that were made as recorded. */
      calls: Type.Integer({ minimum: 0 }),
      same: Type.Boolean(),
      difference: nullable(Difference),
    }),
  ),
  /** Runs an agent's folder on the event of a task, approved or not, with the grant in force and no effects. Answered when that cell has ended. */
  task_try: message(
    { task: TaskId, role: nullable(Name) },
    object({
      role: Name,
      bundle: Digest,
      /** Whether that bundle is the approved one. */
      approved: Type.Boolean(),
      calls: Type.Array(MadeCall),
      ending: RunEnd,
      /** Whether that role had the task, so that there is a record to compare with. */
      compared: Type.Boolean(),
      difference: nullable(Difference),
    }),
  ),
  agent_list: message({}, object({ agents: Type.Array(AgentLine) })),
  agent_approve: message({ role: Name, folder: Digest }, object({ agent: AgentLine })),
  agent_offline: message({ role: Name }, object({ agent: AgentLine })),
  agent_online: message({ role: Name }, object({ agent: AgentLine })),
  /** What signs and verifies, newest first of each kind, and every key a cell holds now. */
  keys_list: message({}, object({ signing: Type.Array(SigningKeyLine), live: Type.Array(LiveKeyLine) })),
  keys_rotate: message({ kind: Type.Enum(keyKinds) }, object({ kid: Kid })),
  /** A role, the id of a key, or the kid of a signing key. Answered when the keys are void; the tasks are ready again. */
  keys_revoke: message(
    { of: Type.String({ minLength: 1, maxLength: 43 }) },
    object({ keys: Type.Array(KeyId), tasks: Type.Array(TaskId) }),
  ),
  /** Cells may be started again after a guard was missing in one; false where they might before. */
  cells_resume: message({}, object({ resumed: Type.Boolean() })),
  audit_show: message(
    { task: nullable(TaskId), from: Type.Integer({ minimum: 0 }), limit: Type.Integer({ minimum: 1, maximum: 1000 }) },
    object({ entries: Type.Array(AuditLine), next: nullable(Type.Integer()) }),
  ),
};

export type Messages = Record<string, { request: TSchema; value: TSchema }>;
export type RequestOf<M extends Messages, K extends keyof M> = Static<M[K]["request"]>;
export type ValueOf<M extends Messages, K extends keyof M> = Static<M[K]["value"]>;
