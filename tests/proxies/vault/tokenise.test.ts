/** What of a result reaches a cell, field by field. */
import { expect, test } from "vitest";
import { VALUE_CHARS_MAX } from "../../../kernel/abi/bounds.ts";
import type { Json } from "../../../kernel/abi/json.ts";
import type { Operation, ResultField } from "../../../kernel/abi/operations.ts";
import { newDraft, Table } from "../../../proxies/vault/table.ts";
import { tokeniseFields, tokeniseResult } from "../../../proxies/vault/tokenise.ts";

function annsCase() {
  const table = new Table();
  table.setCustomer({ token: "tok_0a1b2c3d", id: "C0042" });
  table.tokenFor("name", "Ann Miller", newDraft());
  return table;
}

const opened = (sealed: string) => (sealed === "noise" ? undefined : `opened ${sealed}`);
type Rows = Operation["result"]["rows"];

function shown(fields: Record<string, ResultField>, result: Json, rows: Rows = "one", table = annsCase()) {
  const draft = newDraft();
  return { value: tokeniseResult({ rows, fields }, result, table, draft, opened), draft };
}
const field = (as: ResultField, it: Json, table = annsCase()) => shown({ it: as }, { it }, "one", table).value;

test("an undeclared field never crosses, nor a declared one that is inherited", () => {
  const fields = Object.fromEntries(["since", "toString"].map((name) => [name, { class: "public" as const }]));
  expect(shown(fields, { since: "2020", secret: "x" }).value).toEqual({ since: "2020" });
});

test.each<[ResultField["class"], Json, Json]>([
  ["public", "2020", "2020"],
  ["public", 7, 7],
  ["public", false, false],
  ["public", "", ""],
  ["public", null, null],
  ["public", { a: 1 }, null],
  ["public", "owed to Ann Miller", "owed to Ann Miller"],
  ["public", "[NAME_7] and Ann Miller", "[OTHER_1] and [NAME_1]"],
  ["text", "from Ann Miller", "from [NAME_1]"],
  ["text", 7, 7],
  ["text", true, true],
  ["text", "", ""],
  ["text", { a: "Ann Miller" }, null],
  ["sealed", "c2VhbGVk", "opened c2VhbGVk"],
  ["sealed", "noise", null],
  ["sealed", 7, null],
  ["sealed", "", ""],
  ["name", "Ann Miller", "[NAME_1]"],
  ["name", "Bob", "[NAME_2]"],
  ["name", 7, "[NAME_2]"],
  ["name", { first: "Ann" }, null],
  ["customer", "C0042", "tok_0a1b2c3d"],
  ["customer", "C0043", "[CUSTOMER_1]"],
  ["name", "C0042", "[NAME_2]"],
])("of class %s, %j crosses as %j", (name, value, crosses) => {
  expect(field({ class: name }, value)).toEqual({ it: crosses });
});

test("in a case without a customer nothing is the customer's id", () => {
  expect(field({ class: "customer" }, "C0042", new Table())).toEqual({ it: "[CUSTOMER_1]" });
});

test("a class nobody knows is withheld", () => {
  expect(field({ class: "secret" as "other" }, "x")).toEqual({ it: null });
});

test("items cross one by one, and what is nested deeper is withheld", () => {
  expect(field({ class: "name" }, ["Ann Miller", "", ["Bob"], null, { a: 1 }])).toEqual({
    it: ["[NAME_1]", "", null, null, null],
  });
});

test("a value crosses up to its bound, and one character more is withheld", () => {
  const long = "x".repeat(VALUE_CHARS_MAX);
  expect(field({ class: "other" }, long)).toEqual({ it: "[OTHER_1]" });
  expect(field({ class: "other" }, `${long}x`)).toEqual({ it: null });
});

test("a field is a contact of the customer only where it is declared as one", () => {
  const table = annsCase();
  field({ class: "email", contact: true }, "ann@x.example", table);
  field({ class: "email" }, "bob@x.example", table);
  field({ class: "email", contact: false }, "eve@x.example", table);
  expect([1, 2, 3].map((number) => table.mayReceive(`[EMAIL_${number}]`))).toEqual([true, false, false]);
});

test("the tokens that cross are noted in the draft", () => {
  const fields: Record<string, ResultField> = { who: { class: "name" }, note: { class: "text" } };
  const { draft } = shown(fields, { who: "Bob", note: "Ann Miller" });
  expect([...draft.tokens].sort()).toEqual(["[NAME_1]", "[NAME_2]"]);
});

test("a result without the declared rows is withheld whole", () => {
  const fields: Record<string, ResultField> = { a: { class: "public" } };
  const row = { a: 1 };
  expect(shown(fields, row, "one").value).toEqual(row);
  expect(shown(fields, row, "maybe").value).toEqual(row);
  expect(shown(fields, null, "maybe").value).toBeNull();
  expect(shown(fields, [row, row], "many").value).toEqual([row, row]);
  expect(shown(fields, [], "many").value).toEqual([]);
  for (const [rows, result] of [
    ["one", null],
    ["one", [row]],
    ["one", "row"],
    ["maybe", [row]],
    ["maybe", 1],
    ["many", row],
    ["many", null],
    ["many", [row, null]],
    ["many", [row, [row]]],
  ] as [Rows, Json][])
    expect(shown(fields, result, rows).value, `${rows} ${JSON.stringify(result)}`).toBeUndefined();
});

test("every field of a submission is swept, numbers too, and what holds nothing personal keeps its type", () => {
  const given = { text: "Ann Miller", order: "O1", amount: 5, phone: 12025550143, urgent: true, none: null };
  expect(tokeniseFields(given, annsCase(), newDraft())).toEqual({ ...given, text: "[NAME_1]", phone: "[PHONE_1]" });
});

test("of a submission only texts and numbers are swept, whatever the customer is called", () => {
  const table = new Table();
  table.tokenFor("name", "True Null", newDraft());
  const given = { urgent: true, none: null, text: "null" };
  expect(tokeniseFields(given, table, newDraft())).toEqual({ ...given, text: "[NAME_2]" });
});
