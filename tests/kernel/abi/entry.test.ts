/** The published schema of the log: what the kernel writes is what it says, entry by entry. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { ENTRY_VERSION, entrySchema, publishedSchema, verbs } from "../../../kernel/abi/entry.ts";
import { fields } from "../../../kernel/abi/entry-fields.ts";
import { entriesOf } from "./entries.ts";

const validate = new Ajv2020({ strict: true, strictTypes: false, allowUnionTypes: true }).compile(publishedSchema());

test("the published schema is JSON Schema, has one alternative a verb, and names its version", () => {
  const { oneOf, $id } = publishedSchema() as { oneOf: { title: string; description: string }[]; $id: string };
  expect(oneOf.map(({ title }) => title)).toEqual(verbs);
  expect(oneOf.every(({ description }) => description.length > 10)).toBe(true);
  expect($id).toBe(`urn:silo:audit-entry:${ENTRY_VERSION}`);
});

test.each(verbs)(
  "%s: its entries match, with all its fields and with the fewest; a spare field, a missing one or another version do not",
  (verb) => {
    const [most, fewest] = entriesOf(verb);
    expect([validate(most), validate(fewest)]).toEqual([true, true]);
    expect(validate({ ...most, note: "x" })).toBe(false);
    expect(validate({ ...most, schema: ENTRY_VERSION + 1 })).toBe(false);
    for (const field of Object.keys(fewest)) expect([field, validate(without(fewest, field))]).toEqual([field, false]);
  },
);

test("no field takes free text: every string has a pattern, or is one of a list", () => {
  for (const { pattern, ...text } of stringsIn(verbs.map(entrySchema))) {
    if (pattern === undefined) expect(text).toHaveProperty("const");
    else expect([pattern, new RegExp(pattern).test("Wei Wang, 王伟")]).toEqual([pattern, false]);
  }
});

test("every field is of some verb", () => {
  const used = verbs.flatMap((verb) =>
    Object.keys((entrySchema(verb) as unknown as { properties: object }).properties),
  );
  expect(Object.keys(fields).filter((field) => !used.includes(field))).toEqual([]);
});

function without(entry: Record<string, unknown>, field: string): Record<string, unknown> {
  const { [field]: _, ...rest } = entry;
  return rest;
}

type Text = { type: "string"; pattern?: string };

function stringsIn(value: unknown): Text[] {
  if (typeof value !== "object" || value === null) return [];
  const own = "type" in value && value.type === "string" ? [value as Text] : [];
  return [...own, ...Object.values(value).flatMap(stringsIn)];
}
