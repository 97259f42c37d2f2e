import fc from "fast-check";
import { expect, test } from "vitest";
import { tokenClasses } from "../../../kernel/abi/tokens.ts";
import {
  type Delta,
  newDraft,
  TABLE_BYTES_MAX,
  Table,
  TableConflict,
  TableFull,
} from "../../../proxies/vault/table.ts";

test("tokens count from one per class; the same value has the same token however it is spelled", () => {
  const table = new Table();
  const draft = newDraft();
  expect(table.tokenFor("name", "Ann Miller", draft)).toBe("[NAME_1]");
  expect(table.tokenFor("name", "Bob", draft)).toBe("[NAME_2]");
  expect(table.tokenFor("name", "ANN  MILLER", draft)).toBe("[NAME_1]");
  expect(table.tokenFor("email", "Ann@x.example", draft)).toBe("[EMAIL_1]");
  expect(table.tokenFor("email", "ann@X.example", draft)).toBe("[EMAIL_1]");
  expect(table.tokenFor("phone", "+1 202 555 0143", draft)).toBe("[PHONE_1]");
  expect(table.tokenFor("phone", "(202) 555-0143", draft)).toBe("[PHONE_1]");
  expect(table.lookUp("[NAME_1]")?.value).toBe("Ann Miller");
});

test("a token of another case, or of no case, stands for nothing", () => {
  const table = new Table();
  table.tokenFor("name", "Ann", newDraft());
  const other = new Table();
  expect(other.lookUp("[NAME_1]")).toBeUndefined();
  expect(table.lookUp("[NAME_2]")).toBeUndefined();
  expect(table.lookUp("constructor")).toBeUndefined();
});

test("the customer token stands for the customer's id in its own case alone", () => {
  const table = new Table();
  table.setCustomer({ token: "tok_0a1b2c3d", id: "C1" });
  const customer = { token: "tok_0a1b2c3d", class: "customer", value: "C1", contact: false };
  expect(table.lookUp("tok_0a1b2c3d")).toEqual(customer);
  expect(new Table().lookUp("tok_0a1b2c3d")).toBeUndefined();
});

test("what is not accepted travels again with every draft that uses it", () => {
  const table = new Table();
  const first = newDraft();
  table.tokenFor("name", "Ann", first);
  const second = newDraft();
  table.tokenFor("name", "Ann", second);
  expect(table.delta(second)?.entries).toHaveLength(1);
  table.accept(table.delta(first) as Delta);
  expect(table.delta(second)).toBeNull();
});

test("a contact found after its entry was sealed is sealed again, even while the older seal is under way", () => {
  const table = new Table();
  const draft = newDraft();
  table.tokenFor("email", "a@x.example", draft);
  const older = table.delta(draft) as Delta;
  table.tokenFor("email", "a@x.example", draft, true);
  table.accept(older);
  expect(table.delta(draft)?.entries).toMatchObject([{ token: "[EMAIL_1]", contact: true }]);
});

test("only a contact receives, and none of a class that was written in this case", () => {
  const table = new Table();
  const draft = newDraft();
  const contact = table.tokenFor("email", "ann@x.example", draft, true);
  const stranger = table.tokenFor("email", "bob@x.example", draft);
  expect([contact, stranger, "[EMAIL_9]"].map((token) => table.mayReceive(token))).toEqual([true, false, false]);
  table.markWritten("phone", draft);
  expect(table.mayReceive(contact)).toBe(true);
  table.markWritten("email", draft);
  expect(table.mayReceive(contact)).toBe(false);
});

test("one token for two values, or two customers in one case, is a conflict", () => {
  const entry = { token: "[NAME_1]", class: "name" as const, value: "Ann", contact: false };
  const table = new Table();
  table.merge({ entries: [entry], written: [], customer: { token: "tok_0a1b2c3d", id: "C1" } });
  table.merge({ entries: [entry], written: [], customer: { token: "tok_0a1b2c3d", id: "C1" } });
  expect(() => table.merge({ entries: [{ ...entry, value: "Bob" }], written: [], customer: null })).toThrow(
    TableConflict,
  );
  const other = { token: "tok_0a1b2c3d", id: "C2" };
  expect(() => table.merge({ entries: [], written: [], customer: other })).toThrow(TableConflict);
});

test("the table is full before the case's bound would break, and goes on with what it has", () => {
  const table = new Table();
  const draft = newDraft();
  const value = (index: number) => `${index}`.padStart(1000, "x");
  let count = 0;
  expect(() => {
    for (;;) table.tokenFor("other", value(count++), draft);
  }).toThrow(TableFull);
  expect(count * 1100).toBeGreaterThan(TABLE_BYTES_MAX);
  expect(JSON.stringify(table.delta(draft)).length).toBeLessThan(TABLE_BYTES_MAX * 1.1);
  expect(table.tokenFor("other", value(0), draft)).toBe("[OTHER_1]");
});

/** A history of calls: each shows some values, some as contacts; some are accepted by the kernel, some are lost. */
const history = fc.array(
  fc.record({
    shown: fc.array(
      fc.tuple(
        fc.constantFrom(...tokenClasses),
        fc.constantFrom("a", "A", "b", "c@d.example", "+12025550143"),
        fc.boolean(),
      ),
      {
        maxLength: 5,
      },
    ),
    written: fc.option(fc.constantFrom("email" as const, "phone" as const), { nil: null }),
    accepted: fc.boolean(),
  }),
  { maxLength: 20 },
);

test("a table loaded from the accepted deltas, in any order and twice, is the live one as far as any cell has seen it", () => {
  fc.assert(
    fc.property(history, fc.infiniteStream(fc.nat()), (calls, random) => {
      const live = new Table();
      live.setCustomer({ token: "tok_0a1b2c3d", id: "C1" });
      const kept: Delta[] = [];
      const seen = new Map<string, string>();
      const writtenSeen = new Set<string>();
      for (const call of calls) {
        const draft = newDraft();
        for (const [name, value, contact] of call.shown) live.tokenFor(name, value, draft, contact);
        if (call.written !== null) live.markWritten(call.written, draft);
        const delta = live.delta(draft);
        if (!call.accepted) continue;
        if (delta !== null) kept.push(JSON.parse(JSON.stringify(delta)) as Delta);
        if (delta !== null) live.accept(delta);
        for (const token of draft.tokens) seen.set(token, live.lookUp(token)?.value ?? "");
        for (const name of draft.written) writtenSeen.add(name);
      }
      const loaded = new Table();
      const shuffled = [...kept, ...kept].sort(() => ((random.next().value as number) % 3) - 1);
      for (const delta of shuffled) loaded.merge(delta);
      for (const [token, value] of seen) {
        expect(loaded.lookUp(token)?.value).toBe(value);
        const draft = newDraft();
        expect(loaded.tokenFor(loaded.lookUp(token)?.class ?? "other", value, draft)).toBe(token);
        expect(loaded.delta(draft)).toBeNull();
      }
      if (kept.length > 0) expect(loaded.customer).toEqual(live.customer);
      for (const name of writtenSeen) {
        const contact = loaded.tokenFor(
          name as "email",
          name === "email" ? "c@d.example" : "+12025550143",
          newDraft(),
          true,
        );
        expect(loaded.mayReceive(contact)).toBe(false);
      }
    }),
    { numRuns: 300 },
  );
});
