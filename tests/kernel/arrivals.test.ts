import { expect, test } from "vitest";
import { openArrivals } from "../../kernel/arrivals.ts";

test("a steady stream is measured by what it is, each role by itself, and forgotten when it ends", () => {
  const arrivals = openArrivals();
  for (let now = 0; now < 600_000; now += 250) arrivals.note("busy", now);
  expect(arrivals.rate("busy", 600_000)).toBeCloseTo(4, 0);
  expect(arrivals.rate("calm", 600_000)).toBe(0);
  expect(arrivals.rate("busy", 660_000)).toBeCloseTo(4 / Math.E, 0);
  expect(arrivals.rate("busy", 1_800_000)).toBeLessThan(0.0001);
});

test("a clock that stands still or goes back adds nothing", () => {
  const arrivals = openArrivals();
  arrivals.note("role", 1_000);
  expect(arrivals.rate("role", 0)).toBe(arrivals.rate("role", 1_000));
});
