/** What the kernel's store holds, record by record. Free text here holds tokens only; sealed bytes are noise to the kernel. */

import type { Capabilities, Scope } from "./abi/grant.ts";
import type { Json, JsonObject } from "./abi/json.ts";
import type { Isolation, Resources } from "./abi/messages.ts";
import type { RefusalCode } from "./abi/refusals.ts";

export type Scalar = string | number | boolean | null;
export type Fields = Record<string, Scalar>;

/** A matter of one customer of one frontend. */
export type Case = {
  case: string;
  frontend: string;
  customer: string | null;
  subject: string | null;
  opened: number;
  /** Sealed table entries: how many there are, and their length together. */
  entries: number;
  table_bytes: number;
};

/** One piece of work. Where it stands is said by `ready`, `leases`, `waiting` or `ended`: exactly one of them holds it. */
export type Task = {
  task: string;
  case: string;
  kind: string;
  frontend: string;
  /** Digest of the originating event. */
  event: string;
  /** The assignment it is in the hands of. */
  assignment: string;
  /** How many assignments it has had. */
  hops: number;
  created: number;
  updated: number;
};

/** What was asked; immutable. */
export type Submission = { fields: Fields; text: string };

/** Why an assignment was made: what the one before it said. */
export type Handover = { role: string; reason: string; recommendation: string; facts: Fields };

/** A task in the hands of one role. */
export type Assignment = {
  assignment: string;
  task: string;
  role: string;
  human: boolean;
  /** The assignment before this one. */
  previous: string | null;
  /** Assignments of people who handed the task back to this one, oldest first. */
  returned?: string[];
  /** What the one before said when it handed over; null for the first. */
  handover: Handover | null;
  /** The task's own clock: the same in every re-run. */
  now: number;
  /** Attempts that ended without word. */
  failures: number;
  /** The highest epoch given out. */
  epoch: number;
  /** A fault that keeps this assignment from ending by itself: a human decides. */
  fault: Fault | null;
};

export type Fault = "REPLAY_DIVERGED" | "UNKNOWN_OUTCOME";

/** Waits for a slot. `due`: not before. */
export type Ready = { assignment: string; due: number };

/** One attempt. */
export type Lease = {
  assignment: string;
  epoch: number;
  cell: string;
  slot: number;
  incarnation: string;
  claimed: number;
  expires: number;
  deadline: number;
  /** `jti` of the keys of this attempt. */
  base_key: string;
  task_key: string;
  /** Step of the first call this cell makes. */
  first_step: number;
  /** A person's click, or null for a run of main.py. */
  click: Click | null;
};

export type Click = { person: string; tool: string; arguments: Fields };

/** Waits for a person, or for open intents to be decided before `ending` takes effect. */
export type Waiting =
  | { for: "human"; assignment: string; person: string | null; since: number }
  | { for: "decision"; assignment: string; ending: Ending; person: string | null; since: number };

/**
 * How an attempt ended. `exit`: without word. `lost`: a process of ours was gone, which is no fault of the agent. `offline`: its
 * role went offline before the next attempt. `click`: a
 * person's cell is over, and the task goes back to that person.
 */
export type Ending =
  | { how: "complete"; text: string; fields: Fields }
  | { how: "escalate"; reason: string; recommendation: string; facts: Fields }
  | { how: "exit" }
  | { how: "lost" }
  | { how: "offline" }
  | { how: "timeout" }
  | { how: "click" };

export type Ended = {
  assignment: string;
  event: "Completed" | "Failed";
  reason: string | null;
  text: string;
  fields: Fields;
  /** The same for every delivery of this answer. */
  delivery: string;
  at: number;
  /** Set by the first receipt, or when the answer was given up; what is delivered again later is not logged anew. */
  told?: "received" | "given up";
};

/** An answer its frontend has not yet acknowledged. */
export type Undelivered = { delivery: string; since: number };

/** One call: intended, and with its outcome once there is one. */
export type JournalEntry = {
  capability: string;
  /** Digest of the canonical tokenised arguments, and they themselves. */
  digest: string;
  arguments: JsonObject;
  proxy: string;
  effect: "read" | "write";
  /** The epoch of the latest permit. */
  epoch: number;
  at: number;
  /** When its latest permit was given, where that was not at first. */
  renewed_at?: number;
  reserved: Reservation[];
  outcome: Outcome | null;
  /** The last epoch of which a person decided that the call did not happen. */
  void_until?: number;
};

/**
 * `void`: it was decided that the effect did not happen under any epoch so far. `happened`: a person decided that it did; what it returned
 * nobody knows.
 */
export type Outcome =
  | { end: "done"; value: string | null }
  | { end: "refused"; code: RefusalCode; message: string }
  | { end: "unknown" }
  | { end: "happened" }
  | { end: "void" };

/** A call of a run that is not live. `recorded`: an effect that would have been permitted and was not performed. */
export type MadeCall = {
  step: number;
  capability: string;
  /** Of an effect; what was read keeps none. */
  arguments: JsonObject;
  outcome: "done" | "recorded" | "refused" | null;
  code: RefusalCode | null;
  message: string | null;
};

/** What a run that is not live did, call by call, and how it ended. */
export type Run = { bundle: string; at: number; calls: MadeCall[]; ending: Ending };

/** An agent's run in shadow beside an assignment: it waits for a slot, has run, or was given up. */
export type Shadow = {
  role: string;
  beside: string;
  /** Not before. */
  due: number;
  /** Runs that came to nothing. */
  failures: number;
  state: "due" | "ran" | "given up";
  run: Run | null;
};

/** What an intent added to one running total; `key` is the total's key in the ledger. */
export type Reservation = { key: TotalKey; amount: number };
/** Scope, day (empty for a task), task or subject or role, role, capability, measure, unit (empty for a plain number). */
export type TotalKey = [
  scope: Scope,
  day: string,
  who: string,
  role: string,
  capability: string,
  measure: string,
  unit: string,
];

/** An approved role: what an approval made of an agent's policy.yaml, or of a human role's declaration in people.yaml. */
export type Role = {
  role: string;
  human: boolean;
  /** Folder digest that was approved; for a human role the digest of its declaration. */
  approved: string;
  /** The role whose bundle is run: itself, or the one a human role takes its tools from. */
  tools: string;
  grant: Capabilities;
  isolation: Isolation;
  deadline_ms: number;
  resources: Resources;
  escalates_to: string[];
  subagents: string[];
  online: boolean;
  approved_by: string;
  approved_at: number;
};

/** A repeated submission is recognised by its frontend and idempotency key. */
export type Idempotency = { request: string; task: string; case: string };

/** Canonical JSON of an audit entry, and its RFC 6962 leaf hash (hex). */
export type LogRecord = { entry: string; leaf: string };

export type Meta = Json;
