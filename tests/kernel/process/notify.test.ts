import { expect, test } from "vitest";
import { watchdogPause } from "../../../kernel/process/notify.ts";

test("a process that is watched shows life three times in what it is given", () => {
  expect(watchdogPause({ WATCHDOG_USEC: "90000000", WATCHDOG_PID: "7" }, 7)).toBe(30_000);
  expect(watchdogPause({ WATCHDOG_USEC: "90000000" }, 7)).toBe(30_000);
});

test("one that is not watched, or whose starter is, shows none", () => {
  expect(watchdogPause({}, 7)).toBeNull();
  expect(watchdogPause({ WATCHDOG_USEC: "0" }, 7)).toBeNull();
  expect(watchdogPause({ WATCHDOG_USEC: "x" }, 7)).toBeNull();
  expect(watchdogPause({ WATCHDOG_USEC: "90000000", WATCHDOG_PID: "8" }, 7)).toBeNull();
});
