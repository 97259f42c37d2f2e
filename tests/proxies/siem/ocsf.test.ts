/** Every event we emit, held against the OCSF schema compiled to JSON Schema (vectors of the project ocsf-schema). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { verbs } from "../../../kernel/abi/entry.ts";
import { fields } from "../../../kernel/abi/entry-fields.ts";
import { OCSF_VERSION, ocsf } from "../../../proxies/siem/formats/ocsf.ts";
import { entriesOf } from "../../kernel/abi/entries.ts";
import { isThere, OCSF, schemaOfClass } from "./ocsf-schema.ts";

const LEAF = "a".repeat(64);
const PREV = "b".repeat(64);
type Sent = Record<string, unknown> & { class_uid: number; metadata: { profiles: string[]; version: string } };

const sent = (entry: object, index = 7): Sent =>
  JSON.parse(ocsf({ kind: "entry", index, leaf: LEAF, prev: PREV, text: JSON.stringify(entry) }, "silo/test"));
const checkpoint = (): Sent =>
  JSON.parse(ocsf({ kind: "checkpoint", size: 8, root: LEAF, note: "silo/test\n8\n" }, "silo/test"));

const compiled = new Map<string, ValidateFunction>();
function faultsOf(event: Sent): unknown {
  const { profiles } = event.metadata;
  const name = `${event.class_uid} ${profiles}`;
  const validate =
    compiled.get(name) ?? new Ajv2020({ strict: false }).compile(schemaOfClass(event.class_uid, profiles));
  compiled.set(name, validate);
  return validate(event) ? [] : validate.errors;
}

if (!isThere) console.warn(`SKIPPED: the OCSF schema is not in ${OCSF}, so no event was held against it.`);

describe.skipIf(!isThere)("against the published schema", () => {
  test("its version is the one we name", () => {
    expect(JSON.parse(readFileSync(join(OCSF, "version.json"), "utf8"))).toEqual({ version: OCSF_VERSION });
  });

  test.each(verbs)("%s, with all its fields and with the fewest, whatever was decided, is an event", (verb) => {
    for (const entry of entriesOf(verb)) {
      expect(faultsOf(sent(entry))).toEqual([]);
      expect(faultsOf(sent(entry, 0))).toEqual([]);
    }
    for (const decision of fields.decision.enum)
      for (const outcome of fields.outcome.enum) {
        const [most, fewest] = entriesOf(verb, { decision, outcome });
        for (const entry of [most, fewest]) expect(faultsOf(sent(entry))).toEqual([]);
      }
  });

  test("calls of any capability are events", () => {
    const words = fc.stringMatching(/^[a-z][a-z0-9_]{0,30}$/);
    const named = fc.oneof(fc.constantFrom("customer", "order", "refund", "kv", "email", "sms"), words);
    fc.assert(
      fc.property(named, words, fc.constantFrom("intend", "outcome", "lookup", "finding"), (noun, act, verb) => {
        const [most] = entriesOf(verb as "intend", { capability: `${noun}:${act}` });
        expect(faultsOf(sent(most))).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test("a checkpoint is an event", () => {
    expect(faultsOf(checkpoint())).toEqual([]);
  });

  test("the compiled schema refuses what OCSF does not have, and what it requires and is missing", () => {
    const event = sent(entriesOf("intend")[0]);
    expect(faultsOf(event)).toEqual([]);
    const { actor: _, ...actorless } = event;
    const wrong = [
      { ...event, spare: 1 },
      actorless,
      { ...event, class_uid: 6003, severity_id: 77 },
      { ...event, time: "now" },
    ];
    for (const one of wrong) expect(faultsOf(one as unknown as Sent)).not.toEqual([]);
    expect(faultsOf({ ...event, metadata: { ...event.metadata, profiles: ["record_integrity"] } })).not.toEqual([]);
  });
});

test("index, leaf and prev stand in every event, and the entry as its bytes are", () => {
  const [entry] = entriesOf("settle");
  const event = sent(entry);
  expect(event["unmapped"]).toEqual({ index: 7, leaf: LEAF, prev: PREV });
  expect(event["raw_data"]).toBe(JSON.stringify(entry));
  expect(event["attestation_list"]).toMatchObject([
    {
      uid: "silo/test/7",
      fingerprint: { value: LEAF },
      prev_event: { uid: "silo/test/6", fingerprint: { value: PREV } },
    },
  ]);
});

test("a denial is the class of what was denied, with the profile security_control and action 2", () => {
  const call = (decision: string) => sent(entriesOf("intend", { decision, capability: "email:send" })[0]);
  expect([call("refused"), call("allowed")].map((event) => [event.class_uid, event["action_id"]])).toEqual([
    [6003, 2],
    [6003, 1],
  ]);
  expect(call("refused").metadata.profiles).toContain("security_control");
});
