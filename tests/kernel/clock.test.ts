import { expect, test } from "vitest";
import { BACK_MS_MAX, steadyClock } from "../../kernel/clock.ts";

test("time never goes back: small corrections make it stand still", () => {
  const read = [1000_000, 999_000, 1000_500];
  const clock = steadyClock(() => read.shift() ?? 0, 0);
  expect([clock(), clock(), clock()]).toEqual([1000_000, 1000_000, 1000_500]);
});

test("a clock that is behind the log by more than a correction stops the process with a reason", () => {
  expect(steadyClock(() => 1_000_000, 1_000_000 + BACK_MS_MAX)()).toBe(1_000_000 + BACK_MS_MAX);
  expect(() => steadyClock(() => 1_000_000, 1_000_001 + BACK_MS_MAX)()).toThrow("Set the clock right");
});
