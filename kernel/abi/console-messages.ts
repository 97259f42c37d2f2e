/** What people ask the kernel through the console (`console -> kernel`): whoever connects is a stranger until they sign in. */
import { type Static, Type } from "typebox";
import { UNKNOWN_SHOWN_MAX } from "./bounds.ts";
import { keyKinds } from "./claims.ts";
import { Capabilities } from "./grant.ts";
import { AssignmentId, Capability, CaseId, CellId, CustomerToken, Digest, Name, Step, TaskId, Time } from "./ids.ts";
import { Isolation, TaskDocument, TaskState } from "./messages.ts";
import { AnyJson, Arguments, Fields, message, nullable, object, Sentence, Text } from "./shapes.ts";
import { NOTE_CHARS_MAX, WITNESSES_MAX } from "./witness.ts";

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
      /** Why nothing new begins: the disk is full, or does not take what is written (kernel/stop.ts). */
      stopped: nullable(
        object({
          code: Type.Union([Type.Literal("DISK_FULL"), Type.Literal("DISK_FAULT")]),
          why: Sentence,
          since: Time,
        }),
      ),
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
  /** `log`: the key that signs the audit log; its kid is the public half. Answered when it signs alone. */
  keys_rotate: message({ kind: Type.Enum([...keyKinds, "log"] as const) }, object({ kid: Kid })),
  /** A role, the id of a key, or the kid of a signing key. Answered when the keys are void; the tasks are ready again. */
  keys_revoke: message(
    { of: Type.String({ minLength: 1, maxLength: 43 }) },
    object({ keys: Type.Array(KeyId), tasks: Type.Array(TaskId) }),
  ),
  /** Cells may be started again after a guard was missing in one; false where they might before. */
  cells_resume: message({}, object({ resumed: Type.Boolean() })),
  /** The case in which this token stands for the customer. */
  case_of: message({ customer: CustomerToken }, object({ case: CaseId })),
  audit_show: message(
    { task: nullable(TaskId), from: Type.Integer({ minimum: 0 }), limit: Type.Integer({ minimum: 1, maximum: 1000 }) },
    object({ entries: Type.Array(AuditLine), next: nullable(Type.Integer()) }),
  ),
  /** A checkpoint of the log that witnesses have cosigned; what is new in it is answered. `at`: ms, as the witness says. */
  audit_cosign: message(
    { note: Type.String({ maxLength: NOTE_CHARS_MAX }) },
    object({
      taken: Type.Array(object({ witness: Type.String(), size: Type.Integer({ minimum: 1 }), at: Time }), {
        maxItems: WITNESSES_MAX,
      }),
    }),
  ),
};
