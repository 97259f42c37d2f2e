import fc from "fast-check";
import { expect, test } from "vitest";
import type { JsonObject } from "../../../kernel/abi/json.ts";
import type { Operation } from "../../../kernel/abi/operations.ts";
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
