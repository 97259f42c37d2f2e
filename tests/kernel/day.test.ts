import { expect, test } from "vitest";
import { daysIn } from "../../kernel/day.ts";

test.each([
  ["UTC", "2026-11-23T00:00:00.000Z", "2026-11-22", "2026-11-23"],
  ["Europe/Berlin", "2026-11-22T23:00:00.000Z", "2026-11-22", "2026-11-23"],
  ["Asia/Kathmandu", "2026-11-22T18:15:00.000Z", "2026-11-22", "2026-11-23"],
  ["America/New_York", "2026-11-23T05:00:00.000Z", "2026-11-22", "2026-11-23"],
])("in %s a new day begins at %s, to the millisecond", (zone, start, before, after) => {
  const day = daysIn(zone);
  const time = Date.parse(start);
  expect([day(time - 1), day(time), day(time - 1)]).toEqual([before, after, before]);
});

test("a clock change does not lose a day", () => {
  const day = daysIn("Europe/Berlin");
  const change = Date.parse("2026-10-25T01:00:00.000Z");
  expect([day(change - 1), day(change), day(change + 3_600_000)]).toEqual(Array(3).fill("2026-10-25"));
});
