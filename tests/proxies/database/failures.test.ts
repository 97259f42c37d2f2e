/** What the database's errors mean: final, again, or not now. */
import pg from "pg";
import { expect, test } from "vitest";
import { failureOf } from "../../../proxies/database/failures.ts";

function errorWith(code: string): pg.DatabaseError {
  const error = new pg.DatabaseError("Failing row contains (C0042, maria@example.org).", 1, "error");
  error.code = code;
  return error;
}

test.each([
  ["23505", "unique violation", "CONFLICT"],
  ["23514", "check violation", "CONFLICT"],
  ["23503", "foreign key violation", "CONFLICT"],
  ["P0001", "a trigger's own refusal", "CONFLICT"],
  ["22003", "number out of range", "ARGUMENT_INVALID"],
  ["42501", "row level security", "NOT_FOUND"],
])("%s (%s) is refused %s, without the server's words", (state, _, code) => {
  const { end, again } = failureOf(errorWith(state));
  expect(end).toMatchObject({ end: "refused", code });
  expect(JSON.stringify(end)).not.toContain("maria");
  expect(again).toBe(false);
});

test.each([
  ["40001", true],
  ["40P01", true],
  ["57014", false],
  ["53300", false],
  ["57P01", true],
  ["08006", true],
  ["42P01", false],
  ["XX000", false],
])("%s is later, and tried again at once: %s", (state, again) => {
  expect(failureOf(errorWith(state))).toMatchObject({ end: { end: "later" }, again });
});

test("a broken connection is tried again, as the record tells whether it happened", () => {
  expect(failureOf(new Error("Connection terminated unexpectedly"))).toMatchObject({
    end: { end: "later" },
    again: true,
  });
});
