/** The entries of a token table: which spellings are one value, what the kernel kept, what is sent again, and how much there is room for. */
import { expect, test } from "vitest";
import { CASE_TABLE_BYTES_MAX } from "../../../kernel/abi/bounds.ts";
import type { TokenClass } from "../../../kernel/abi/tokens.ts";
import { fold } from "../../../proxies/vault/fold.ts";
import {
  type Delta,
  type Entry,
  newDraft,
  TABLE_BYTES_MAX,
  Table,
  TableConflict,
  TableFull,
} from "../../../proxies/vault/table.ts";

const entry = (token: string, value: string, over: Partial<Entry> = {}): Entry => ({
  token,
  class: "name",
  value,
  contact: false,
  ...over,
});
const merged = (...entries: Entry[]) => {
  const table = new Table();
  table.merge({ entries, written: [], customer: null });
  return table;
};

test.each<[TokenClass, string, string, boolean]>([
  ["name", "Ann Miller", " ＡＮＮ \n miller ", true],
  ["name", "Ann Miller", "A\u200bnn Mil\u00adler", true],
  ["name", "Straße", "STRASSE", true],
  ["name", "İnönü", "i̇nönü", true],
  ["name", "Ann Miller", "AnnMiller", false],
  ["address", "12 Main St", "12  MAIN ST ", true],
  ["address", "1 23rd St", "12 3rd St", false],
  ["address", "12-14 Main St", "1214 Main St", false],
  ["email", "ann@x.example", " Ann @x.example", true],
  ["email", "ann-b@x.example", "annb@x.example", false],
  ["iban", "DE89 3704 0044", "de89-37040044", true],
  ["card", "4111 1111", "4111-1111", true],
  ["birthdate", "1990-01-02", "1990 01 02", true],
  ["phone", "+1 202 555 0143", "+1 202 555 0144", false],
  ["phone", "12345", "12346", false],
  ["other", "a", "A", false],
  ["customer", "c1", "C1", false],
])("of class %s, %j and %j are one value: %j", (name, one, two, isOne) => {
  const table = new Table();
  const token = table.tokenFor(name, one, newDraft());
  expect(table.tokenFor(name, two, newDraft()) === token).toBe(isOne);
});

test("a case without a customer has none, one with a customer says which", () => {
  const table = new Table();
  expect(table.customer).toBeNull();
  const customer = { token: "tok_0a1b2c3d", id: "C0042" };
  table.setCustomer(customer);
  expect(table.customer).toEqual(customer);
});

test.each(["set", "merged"])(
  "a customer's id that is too short to be told from other words is not looked for: %s",
  (how) => {
    const table = new Table();
    const customer = { token: "tok_0a1b2c3d", id: "C1" };
    if (how === "set") table.setCustomer(customer);
    else table.merge({ entries: [], written: [], customer });
    expect(table.known.size).toBe(0);
  },
);

test("a customer travels until the kernel has it, and is known in free text whoever named it", () => {
  const named = new Table();
  named.setCustomer({ token: "tok_0a1b2c3d", id: "C0042" });
  const delta: Delta = { entries: [], written: [], customer: { token: "tok_0a1b2c3d", id: "C0042" } };
  expect(named.delta(newDraft())).toEqual(delta);
  named.accept({ ...delta, customer: null });
  expect(named.delta(newDraft())).toEqual(delta);
  named.accept(delta);
  expect(named.delta(newDraft())).toBeNull();
  const loaded = new Table();
  loaded.merge(delta);
  const twice = new Table();
  twice.merge(delta);
  twice.merge(delta);
  for (const table of [named, loaded, twice]) {
    const id = { from: 3, to: 8, class: "customer", known: "tok_0a1b2c3d" };
    expect(table.known.find(fold("of c0042."))).toEqual([id]);
    expect(table.known.size).toBe(1);
  }
});

test("what was kept counts on: numbers, the first of two spellings, contacts, and never under another class", () => {
  const table = merged(
    entry("[NAME_5]", "Ann"),
    entry("[NAME_2]", "ANN"),
    entry("[EMAIL_1]", "a@x.example", { class: "email" }),
  );
  expect(table.tokenFor("name", "ann", newDraft())).toBe("[NAME_5]");
  expect(table.tokenFor("name", "Bob", newDraft())).toBe("[NAME_6]");
  expect(table.known.find(fold("ann"))).toMatchObject([{ known: "[NAME_5]" }]);
  const contact = entry("[EMAIL_1]", "a@x.example", { class: "email", contact: true });
  for (const [kept, receives] of [
    [{ ...contact, contact: false }, false],
    [contact, true],
    [{ ...contact, contact: false }, true],
  ] as const) {
    table.merge({ entries: [kept], written: [], customer: null });
    expect(table.mayReceive("[EMAIL_1]")).toBe(receives);
  }
  const other = entry("[EMAIL_1]", "a@x.example", { class: "address" });
  expect(() => table.merge({ entries: [other], written: [], customer: null })).toThrow(
    expect.objectContaining({ name: "TableConflict" }),
  );
});

test("what the kernel has is not sent again: neither the same contact, nor a class that was written before", () => {
  const table = new Table();
  const draft = newDraft();
  const token = table.tokenFor("email", "a@x.example", draft, true);
  table.markWritten("email", draft);
  expect(table.delta(draft)).toMatchObject({ entries: [{ token, contact: true }], written: ["email"] });
  table.accept(table.delta(draft) as Delta);
  const next = newDraft();
  table.tokenFor("email", "a@x.example", next, true);
  table.markWritten("email", next);
  expect(table.delta(next)).toBeNull();
  expect(table.use(token, newDraft())).toBe(token);
  const shown = newDraft();
  table.use(token, shown);
  expect([...shown.tokens]).toEqual([token]);
});

test("a draft sends what it has shown itself, and nothing that another has brought up", () => {
  const table = new Table();
  table.tokenFor("name", "Ann", newDraft());
  expect(table.delta(newDraft())).toBeNull();
  const draft = newDraft();
  table.tokenFor("name", "Bob", draft);
  expect(table.delta(draft)?.entries).toEqual([entry("[NAME_2]", "Bob")]);
});

test("an entry the kernel has becomes a contact: it is sent again", () => {
  const table = new Table();
  const draft = newDraft();
  table.tokenFor("email", "a@x.example", draft);
  table.accept(table.delta(draft) as Delta);
  expect(table.delta(draft)).toBeNull();
  table.tokenFor("email", "a@x.example", draft, true);
  expect(table.delta(draft)?.entries).toEqual([entry("[EMAIL_1]", "a@x.example", { class: "email", contact: true })]);
});

test("what comes back from the kernel is not sent again, though its answer to the first sending was lost", () => {
  const table = new Table();
  const draft = newDraft();
  table.setCustomer({ token: "tok_0a1b2c3d", id: "C0042" });
  table.tokenFor("email", "a@x.example", draft, true);
  table.markWritten("email", draft);
  table.merge(table.delta(draft) as Delta);
  expect(table.delta(draft)).toBeNull();
});

test("one customer has one token in a case", () => {
  const customer = { token: "tok_0a1b2c3d", id: "C0042" };
  const table = new Table();
  table.setCustomer(customer);
  const other = { ...customer, token: "tok_11111111" };
  expect(() => table.setCustomer(other)).toThrow(TableConflict);
  expect(() => table.merge({ entries: [], written: [], customer: other })).toThrow(TableConflict);
  expect(table.customer).toEqual(customer);
});

test("what is handed out or taken in is a copy: what changes later does not change it", () => {
  const given = entry("[EMAIL_1]", "a@x.example", { class: "email" });
  const table = merged(given);
  table.tokenFor("email", "a@x.example", newDraft(), true);
  expect(given.contact).toBe(false);
  const draft = newDraft();
  const token = table.tokenFor("name", "Ann", draft);
  for (const handed of table.delta(draft)?.entries ?? []) handed.value = "Bob";
  expect(table.lookUp(token)?.value).toBe("Ann");
});

test(`a table holds ${TABLE_BYTES_MAX} bytes, of what was kept too, and none more`, () => {
  const next = entry("[NAME_1]", "é");
  const filler = entry("[OTHER_1]", "", { class: "other" });
  const bytes = (one: Entry) => Buffer.byteLength(JSON.stringify(one));
  const room = TABLE_BYTES_MAX - bytes(filler) - bytes(next);
  const fits = merged({ ...filler, value: "x".repeat(room) });
  expect(fits.tokenFor("name", "é", newDraft())).toBe("[NAME_1]");
  expect(() => fits.tokenFor("name", "b", newDraft())).toThrow(expect.objectContaining({ name: "TableFull" }));
  const full = merged({ ...filler, value: "x".repeat(room + 1) });
  expect(() => full.tokenFor("name", "é", newDraft())).toThrow(TableFull);
  expect(TABLE_BYTES_MAX * 2).toBe(CASE_TABLE_BYTES_MAX);
});
