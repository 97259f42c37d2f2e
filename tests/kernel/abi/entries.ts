/** Entries of every verb, made from the schema of their fields. */
import { ENTRY_VERSION, entrySchema, type Verb } from "../../../kernel/abi/entry.ts";
import type { Field } from "../../../kernel/abi/entry-fields.ts";

const SHA = "0123456789abcdef".repeat(4);
const samples: Record<Field, unknown> = {
  who: "maria",
  task: "task_0123456789abcdef",
  case: "case_0123456789abcdef",
  assignment: "asgn_0123456789abcdef",
  role: "refund-agent",
  kind: "refund",
  cell: "cell_0123456789abcdef",
  epoch: 2,
  mode: "shadow",
  step: 3,
  keys: ["key-one", "key_two"],
  capability: "refund:create",
  arguments: SHA,
  tokens: ["[NAME_1]", "tok_0123abcd"],
  fields: ["email", "order.total"],
  decision: "refused",
  code: "LIMIT_CALL",
  event: "Completed",
  outcome: "done",
  bundle: SHA,
  isolation: "gvisor",
  delivery: "dlvr_0123456789abcdef",
  ledger: [{ scope: "task", measure: "amount", unit: "USD", amount: 24_750, total: 24_750 }],
  size: 300,
  version: "0.1.0",
  machine: "trial",
  lowered: 5,
  config: { settings: SHA, transitions: SHA, people: SHA, operations: SHA },
  before: 1_800_000_000_000,
  by_ms: -90_000,
  asked: "keys_revoke",
};

type Sample = Record<string, unknown>;

/** One with all its fields and one with the fewest. `over`: other values. */
export function entriesOf(verb: Verb, over: Partial<Record<Field, unknown>> = {}): [most: Sample, fewest: Sample] {
  const { properties, required } = entrySchema(verb) as unknown as { properties: object; required: string[] };
  const head: Sample = { schema: ENTRY_VERSION, time: 1_800_000_000_000, verb };
  const values: Sample = { ...samples, ...over };
  const filled = (names: string[]) => ({ ...Object.fromEntries(names.map((name) => [name, values[name]])), ...head });
  return [filled(Object.keys(properties)), filled(required)];
}
