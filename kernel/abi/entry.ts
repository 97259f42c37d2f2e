/**
 * What stands in the audit log: a closed list of verbs, each with the fields its entries have. Published (`silo audit schema`) and versioned:
 * every entry names the version it was written in.
 *
 * A change that takes a field or a verb away, or gives one another meaning, is another version; one that adds is too, for whoever reads
 * refuses what it does not know.
 */
import { type Static, type TSchema, Type } from "typebox";
import { type Field, fields } from "./entry-fields.ts";
import { Time } from "./ids.ts";

export const ENTRY_VERSION = 1;

type Kind = { says: string; always: readonly Field[]; may: readonly Field[] };

function kind<const A extends readonly Field[], const M extends readonly Field[] = readonly []>(
  says: string,
  always: A,
  may?: M,
): { says: string; always: A; may: M } {
  return { says, always, may: may ?? ([] as unknown as M) };
}

const attempt = ["task", "case", "assignment", "role"] as const;
const run = ["cell", "epoch"] as const;
const modes = ["event", "outcome", "bundle", "keys", "who", ...run] as const;

const kinds = {
  start: kind("The kernel has started: with what configuration, what signs, and how many guards are lowered.", [
    "version",
    "machine",
    "lowered",
    "config",
    "keys",
  ]),
  quiet: kind("Nothing was logged for a minute.", []),
  log_stop: kind("The log cannot be written or published; nothing new begins.", ["code"]),
  log_resume: kind("The log can be written again; what is new may begin.", ["code"]),
  log_key: kind(
    "This key signs the log from the next checkpoint that it and the one before have signed; without who, from here on.",
    ["keys"],
    ["who"],
  ),
  cosign: kind(
    "An administrator brought a witness's signature, by this key, under the checkpoint over the first so many entries.",
    ["who", "keys", "size"],
  ),
  clock_back: kind("An administrator declared the time the log ended with wrong; it goes on from now.", ["before"]),
  clock_step: kind("The clock of the machine was set, or the machine slept.", ["by_ms"]),
  submit: kind("A frontend's task was accepted.", ["task", "case", "who", "kind", "role", "arguments"]),
  claim: kind(
    "An attempt began: a cell was given the task, and two keys were minted for it. With who: one call of a person.",
    [...attempt, ...run, "keys", "bundle"],
    ["who"],
  ),
  expire: kind("An attempt is void: its cell or its keys were lost, or taken from it.", ["task", "assignment", ...run]),
  intend: kind(
    "A call was asked for, and allowed or refused before anything happened. Without task: by nobody who holds one.",
    ["step", "arguments", "decision"],
    [...attempt, ...run, "mode", "keys", "capability", "code", "ledger"],
  ),
  outcome: kind(
    "How a call ended. With decision refused: a report that was not believed.",
    ["task", "assignment", "step"],
    [
      "case",
      "role",
      ...run,
      "mode",
      "capability",
      "arguments",
      "tokens",
      "fields",
      "decision",
      "code",
      "outcome",
      "ledger",
    ],
  ),
  decide: kind(
    "A proxy is asked whether an effect happened; with who, a person said so.",
    [...attempt, "step", "capability", "arguments"],
    ["who", "epoch", "outcome", "ledger"],
  ),
  settle: kind("An attempt or an assignment ended, and where the task stands now.", attempt, [
    "epoch",
    "event",
    "code",
    "outcome",
  ]),
  receipt: kind("A frontend has acknowledged the answer.", ["task", "case", "delivery", "who"]),
  undeliverable: kind("The answer cannot be delivered as it stands; the task has failed.", [
    "task",
    "case",
    "delivery",
    "code",
    "event",
    "outcome",
  ]),
  finding: kind(
    "The door or the vault refused something, or met a violation.",
    ["code", "decision"],
    [...attempt, ...run, "capability", "step"],
  ),
  lookup: kind("The vault reads what it must know before there is a task.", [
    "task",
    "case",
    "capability",
    "arguments",
    "decision",
  ]),
  take: kind("A person took a task.", [...attempt, "who"]),
  finish: kind("A person ended a task.", [...attempt, "who"]),
  return: kind("A person handed a task back to the agent that had it.", [...attempt, "who", "event"]),
  replay: kind("A run of a recorded task began, or came to something; without effects.", [...attempt, "mode"], modes),
  shadow: kind("A run beside a person began, or came to something; without effects.", [...attempt, "mode"], modes),
  try: kind(
    "A run of a folder that waits for approval began, or came to something; without effects.",
    [...attempt, "mode"],
    modes,
  ),
  sign_in: kind(
    "Somebody signed in at the console. Without who: under a name that is nobody's.",
    ["decision"],
    ["who", "code"],
  ),
  refusal: kind(
    "Somebody who had signed in asked for something and was refused.",
    ["who", "asked", "code", "decision"],
    ["task"],
  ),
  agent_approve: kind("An administrator approved exactly this folder or declaration for a role.", [
    "who",
    "role",
    "bundle",
  ]),
  agent_offline: kind("No more tasks go to a role.", ["who", "role"]),
  agent_online: kind("Tasks go to a role again.", ["who", "role"]),
  cell_start: kind("A cell starts.", ["cell", "role", "bundle", "isolation"]),
  cell_end: kind("A cell is gone.", ["cell", "role", "bundle", "isolation"]),
  cells_halt: kind("A cell found a guard missing: none is started any more.", ["cell", "role", "code"]),
  cells_resume: kind("An administrator lets cells start again.", ["who", "code"]),
  keys_rotate: kind("Another signing key signs; without who, because its day was over.", ["kind", "keys"], ["who"]),
  keys_revoke: kind("An administrator made keys void.", ["who"], ["role", "kind", "keys"]),
};

export type Verb = keyof typeof kinds;
export const verbs = Object.keys(kinds) as Verb[];

type Value<F extends Field> = Static<(typeof fields)[F]>;
/** What is told with a verb: exactly its fields. */
export type Told<V extends Verb> = V extends Verb
  ? { [F in (typeof kinds)[V]["always"][number]]: Value<F> } & { [F in (typeof kinds)[V]["may"][number]]?: Value<F> }
  : never;
/** An entry of which only that is known. */
export type Entry = { schema: typeof ENTRY_VERSION; time: number; verb: Verb } & { [F in Field]?: Value<F> };

/** The schema of the entries of one verb. */
export function entrySchema(verb: Verb): TSchema {
  const { says, always, may }: Kind = kinds[verb];
  const properties: Record<string, TSchema> = {
    schema: Type.Literal(ENTRY_VERSION),
    time: { ...Time, description: "Milliseconds since 1970 UTC." },
    verb: Type.Literal(verb),
  };
  for (const field of always) properties[field] = fields[field];
  for (const field of may) properties[field] = Type.Optional(fields[field]);
  return Type.Object(properties, { additionalProperties: false, title: verb, description: says });
}

/** JSON Schema (2020-12) of every entry there can be: one alternative a verb. */
export function publishedSchema(): Record<string, unknown> {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `urn:silo:audit-entry:${ENTRY_VERSION}`,
    title: "SiloOS audit entry",
    description: `Version ${ENTRY_VERSION}. An entry of the log is the canonical JSON (RFC 8785) of one of these.`,
    oneOf: verbs.map((verb) => JSON.parse(JSON.stringify(entrySchema(verb)))),
  };
}
