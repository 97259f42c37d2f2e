import { expect, test } from "vitest";
import { attacksIn, batchesOf, judge, judgeEnding } from "./verdict.ts";

const result = (said: unknown, faults: string[] = []) => judge("host_file", "gvisor", said, faults).result;

test.each(["EPERM", "SIGSYS", "KEY_MISMATCH", "STATUS_413", "NONE"])("%s is a refusal", (said) => {
  expect(result(said)).toBe("refused");
});

test.each(["done", "done: root:x", "", undefined, 7, "eperm"])("%s got through", (said) => {
  expect(result(said)).toBe("THROUGH");
});

test("an attack that was refused got through all the same when the host is not as it was", () => {
  expect(judge("host_file", "gvisor", "EPERM", ["mounts changed"])).toEqual({
    attack: "host_file",
    isolation: "gvisor",
    result: "THROUGH",
    code: "EPERM; mounts changed",
  });
});

test.each([
  ["Failed", "DEADLINE", {}, "refused"],
  ["Failed", "ATTEMPTS_USED_UP", {}, "THROUGH"],
  ["Completed", null, {}, "THROUGH"],
  ["Completed", null, { endless_files: "ENOSPC" }, "refused"],
  ["Completed", null, { endless_files: "done" }, "THROUGH"],
])("a run that ends %s, %s, with %j: %s", (event, reason, fields, verdict) => {
  expect(judgeEnding("endless_files", "nspawn", { event, reason, fields }, []).result).toBe(verdict);
});

test("what one run leaves is looked for in the next, and in no run with other attacks", () => {
  expect(batchesOf(["a", "left_x", "leave_everything", "b", "c"], 2)).toEqual([
    ["a", "b"],
    ["c"],
    ["leave_everything"],
    ["left_x"],
  ]);
});

test("the list of attacks is an area a line", () => {
  expect(attacksIn("files: a b\nnetwork: c")).toEqual([
    { area: "files", attacks: ["a", "b"] },
    { area: "network", attacks: ["c"] },
  ]);
});
