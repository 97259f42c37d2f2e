import fc from "fast-check";
import { expect, test } from "vitest";
import type { Json, JsonObject } from "../../../kernel/abi/json.ts";
import type { Argument, Operation } from "../../../kernel/abi/operations.ts";
import { hydrates } from "../../../proxies/proxy/unchanged.ts";
import { HYDRATED_CHARS_MAX, hydrate, hydrateText } from "../../../proxies/vault/hydrate.ts";
import { newDraft, Table } from "../../../proxies/vault/table.ts";
import { tokeniseResult } from "../../../proxies/vault/tokenise.ts";
import { classes, person, tableOf } from "./people.ts";

const row: Operation["result"] = {
  rows: "one",
  fields: { ...Object.fromEntries(classes.map((name) => [name, { class: name }])), note: { class: "text" } },
};

test("tokenise, then hydrate, is identity on declared values and on texts that hold them as they are spelled", () => {
  const shaped = person.chain((customer) =>
    fc.tuple(
      fc.constant(customer),
      fc.array(fc.oneof(fc.constantFrom(...Object.values(customer)), fc.constantFrom("hello", "[NAME_1]", "-"))),
    ),
  );
  fc.assert(
    fc.property(shaped, ([customer, parts]) => {
      const { table, draft } = tableOf(customer);
      const result = { ...customer, note: parts.join("; ") };
      const shown = tokeniseResult(row, result, table, draft, () => undefined) as JsonObject;
      for (const name of Object.keys(row.fields)) {
        const end = hydrateText(String(shown[name]), table, newDraft());
        expect(end).toEqual({ end: "done", value: result[name as "name"] });
      }
    }),
  );
});

test("a token of another case never hydrates: it is refused, or stands for this case's own value", () => {
  fc.assert(
    fc.property(person, person, (mine, other) => {
      const here = tableOf(mine);
      const there = tableOf(other);
      const tokens = ["x@y.example", "z@y.example"].map((email) => there.table.tokenFor("email", email, there.draft));
      for (const token of tokens)
        expect(hydrateText(token, here.table, newDraft())).toMatchObject({ code: "TOKEN_UNKNOWN" });
      for (const name of classes) {
        const end = hydrateText(there.table.tokenFor(name, other[name], there.draft), here.table, newDraft());
        expect(end).toEqual({ end: "done", value: mine[name] });
      }
    }),
  );
});

test("what a proxy gets differs from what was permitted at tokens alone", () => {
  const part = fc.oneof(fc.constantFrom("[NAME_1]", "[EMAIL_1]", "tok_0a1b2c3d", " "), fc.string({ maxLength: 6 }));
  fc.assert(
    fc.property(person, fc.array(part), (customer, parts) => {
      const text = parts.join("");
      const end = hydrateText(text, tableOf(customer).table, newDraft());
      if (end.end === "done") expect(hydrates(text, end.value)).toBe(true);
    }),
  );
});

test("hydrated arguments are bounded, at N and N+1", () => {
  const operation: Pick<Operation, "arguments"> = { arguments: { body: { type: "string", class: "text" } } };
  const table = new Table();
  const value = "x".repeat(1024);
  table.tokenFor("other", value, newDraft());
  const whole = "[OTHER_1]".repeat(HYDRATED_CHARS_MAX / value.length);
  const ask = (body: string) => hydrate(operation, { body }, table, newDraft(), (text) => text).end;
  expect(ask(whole)).toBe("done");
  expect(ask(`${whole}x`)).toBe("refused");
});

test("array items are hydrated one by one", () => {
  const operation: Pick<Operation, "arguments"> = { arguments: { names: { type: "array", class: "name" } } };
  const table = new Table();
  for (const name of ["Ann", "Bob"]) table.tokenFor("name", name, newDraft());
  const ask = (names: string[]) => hydrate(operation, { names }, table, newDraft(), (text) => text);
  expect(ask(["[NAME_2]", "[NAME_1]"])).toMatchObject({
    value: { values: { names: ["Bob", "Ann"] }, fields: ["names"] },
  });
  expect(ask(["[NAME_2]", "[NAME_3]"])).toMatchObject({ code: "TOKEN_UNKNOWN" });
});

/** A case that knows Ann, a contact of the customer, and Bob, who is none. */
function annsCase() {
  const table = new Table();
  const known = newDraft();
  table.setCustomer({ token: "tok_0a1b2c3d", id: "C0042" });
  table.tokenFor("name", "Ann", known);
  table.tokenFor("email", "ann@x.example", known, true);
  table.tokenFor("email", "bob@x.example", known);
  return table;
}

const one = (argument: Partial<Argument>): Pick<Operation, "arguments"> => ({
  arguments: { it: { type: "string", class: "text", ...argument } },
});

function ask(argument: Partial<Argument>, it: Json, table = annsCase()) {
  const draft = newDraft();
  return { end: hydrate(one(argument), { it }, table, draft, (text) => `sealed ${text}`), table, draft };
}

test("an argument nobody declared is refused, an inherited name too", () => {
  for (const name of ["spare", "toString", "constructor"])
    expect(hydrate(one({}), { [name]: "x" }, annsCase(), newDraft(), String)).toMatchObject({
      code: "ARGUMENT_INVALID",
    });
});

test.each(["[NAME_1]", "x [name_1]", "tok_0a1b2c3d", "[ NAME 7 ]"])(
  "a public argument takes no token and nothing like one: %j",
  (it) => {
    expect(ask({ class: "public" }, it).end).toMatchObject({ code: "TOKEN_MISPLACED" });
    expect(ask({ class: "public", type: "array" }, ["a", it]).end).toMatchObject({ code: "TOKEN_MISPLACED" });
  },
);

test("what is no text, and what holds no token, stays as it is and is no field that was hydrated", () => {
  const same: [Partial<Argument>, Json][] = [
    [{ class: "public" }, "O1234"],
    [{ class: "public", type: "integer" }, 5],
    [{ class: "public", type: "boolean" }, false],
    [{ class: "public", type: "array" }, ["a", "b"]],
    [{ class: "text" }, "no token here"],
    [{ class: "text", type: "array" }, []],
  ];
  for (const [argument, it] of same)
    expect(ask(argument, it).end, String(it)).toEqual({ end: "done", value: { values: { it }, fields: [] } });
});

test("a sealed argument is sealed as it is, tokens and all", () => {
  expect(ask({ class: "sealed" }, "for [NAME_1]").end).toEqual({
    end: "done",
    value: { values: { it: "sealed for [NAME_1]" }, fields: ["it"] },
  });
});

test.each([
  ["Ann", "TOKEN_MISPLACED"],
  ["", "TOKEN_MISPLACED"],
  [" [NAME_1]", "TOKEN_MISPLACED"],
  ["[NAME_1] ", "TOKEN_MISPLACED"],
  ["[NAME_1][NAME_1]", "TOKEN_MISPLACED"],
  ["[NAME_2]", "TOKEN_UNKNOWN"],
  ["[EMAIL_1]", "TOKEN_MISPLACED"],
  ["tok_0a1b2c3d", "TOKEN_MISPLACED"],
])("where one token of class name must stand, %j is refused %s", (it, code) => {
  const { end, draft } = ask({ class: "name" }, it);
  expect(end).toMatchObject({ code });
  expect([...draft.tokens]).toEqual([]);
});

test("a token of another class is refused by name, with the class that belongs there", () => {
  expect(ask({ class: "name" }, "[EMAIL_1]").end).toMatchObject({
    message: "[EMAIL_1] stands where a token of class name belongs.",
  });
});

test("where one token of a class must stand, it becomes its value and is noted", () => {
  const { end, draft } = ask({ class: "name" }, "[NAME_1]");
  expect(end).toEqual({ end: "done", value: { values: { it: "Ann" }, fields: ["it"] } });
  expect([...draft.tokens]).toEqual(["[NAME_1]"]);
  expect(ask({ class: "customer" }, "tok_0a1b2c3d").end).toMatchObject({ value: { values: { it: "C0042" } } });
});

test("a message goes to a contact of the customer alone, and to none of a class that was written in this case", () => {
  const to = { class: "email", recipient: true } as const;
  expect(ask(to, "[EMAIL_1]").end).toMatchObject({ end: "done" });
  expect(ask(to, "[EMAIL_2]").end).toMatchObject({ code: "RECIPIENT_NOT_ALLOWED" });
  expect(ask({ class: "email" }, "[EMAIL_2]").end).toMatchObject({ end: "done" });
  const table = annsCase();
  expect(ask({ class: "email", writes_contact: true }, "[EMAIL_1]", table).draft.written).toEqual(new Set(["email"]));
  expect(ask(to, "[EMAIL_1]", table).end).toMatchObject({ code: "RECIPIENT_NOT_ALLOWED" });
});

test("a contact counts as written only where its argument was given, was declared so, and all arguments were in order", () => {
  const operation: Pick<Operation, "arguments"> = {
    arguments: {
      email: { type: "string", class: "email", writes_contact: true, optional: true },
      phone: { type: "string", class: "phone", optional: true },
      name: { type: "string", class: "name", writes_contact: true, optional: true },
      note: { type: "string", class: "text", optional: true },
    },
  };
  const written = (given: JsonObject) => {
    const draft = newDraft();
    hydrate(operation, given, annsCase(), draft, String);
    return [...draft.written];
  };
  expect(written({ email: "[EMAIL_1]" })).toEqual(["email"]);
  expect(written({ name: "[NAME_1]", note: "x" })).toEqual([]);
  expect(written({ email: "[EMAIL_1]", note: "[NAME_9]" })).toEqual([]);
});

test("a text is refused for a token that stands for nothing here, by name, and for what only looks like one, without", () => {
  expect(ask({}, "Dear [NAME_9]").end).toMatchObject({
    code: "TOKEN_UNKNOWN",
    message: "[NAME_9] does not stand for anything in this case.",
  });
  expect(ask({}, "Dear [name_1]").end).toMatchObject({
    code: "TOKEN_UNKNOWN",
    message: expect.stringContaining("Write tokens exactly as they came, as [NAME_1]."),
  });
});

test("a text's tokens are noted, the customer's own is not: no table has to be kept for it", () => {
  const { end, draft } = ask({}, "[NAME_1] is tok_0a1b2c3d");
  expect(end).toMatchObject({ value: { values: { it: "Ann is C0042" }, fields: ["it"] } });
  expect([...draft.tokens]).toEqual(["[NAME_1]"]);
});

test("the bound is for all arguments together, items and numbers too", () => {
  const operation: Pick<Operation, "arguments"> = {
    arguments: {
      a: { type: "array", class: "text" },
      n: { type: "integer", class: "public" },
      b: { type: "string", class: "text" },
    },
  };
  const half = "x".repeat(HYDRATED_CHARS_MAX / 2);
  const asked = (items: string[], b: string) =>
    hydrate(operation, { a: items, n: 1, b }, annsCase(), newDraft(), String);
  expect(asked([half, half.slice(8)], "").end).toBe("done");
  expect(asked([half, half.slice(8)], "x")).toMatchObject({ code: "TOO_LARGE" });
  expect(asked([half], half.slice(8)).end).toBe("done");
  expect(asked([half], half.slice(7))).toMatchObject({ code: "TOO_LARGE" });
});
