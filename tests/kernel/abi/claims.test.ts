/** What the two keys may say, each claim at its bound and one beyond. */
import { expect, test } from "vitest";
import { BASE_TYP, BaseClaims, TASK_TYP, TaskClaims } from "../../../kernel/abi/claims.ts";
import { compile } from "../../../kernel/process/schema.ts";
import { baseClaims, taskClaims } from "./key-world.ts";

const checkBase = compile(BaseClaims);
const checkTask = compile(TaskClaims);
const names = (count: number) => Array.from({ length: count }, (_, n) => `role-${n}`);
const digests = (count: number) => Array.from({ length: count }, () => "a".repeat(64));

const bounds: [claim: string, good: unknown[], bad: unknown[]][] = [
  ["iss", ["i", "i".repeat(100)], ["", "i".repeat(101), null]],
  ["aud", ["silo-door"], ["silo-vault", "", ["silo-door"]]],
  ["sub", ["s", "s".repeat(100)], ["", "s".repeat(101), null]],
  ["jti", ["0123456789abcdef"], ["", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0123456789abcde\n"]],
  ["iat", [0, 1], [-1, 0.5, "1"]],
  ["nbf", [0, 1], [-1, 0.5, "1"]],
  ["exp", [0, 1], [-1, 0.5, "1"]],
];

test.each(bounds)("%s is in both keys, within its bounds", (claim, good, bad) => {
  for (const value of good) {
    expect(checkBase({ ...baseClaims, [claim]: value }), JSON.stringify(value)).toMatchObject({ ok: true });
    expect(checkTask({ ...taskClaims, [claim]: value }), JSON.stringify(value)).toMatchObject({ ok: true });
  }
  for (const value of bad) {
    expect(checkBase({ ...baseClaims, [claim]: value }), JSON.stringify(value)).toMatchObject({ ok: false });
    expect(checkTask({ ...taskClaims, [claim]: value }), JSON.stringify(value)).toMatchObject({ ok: false });
  }
});

test.each([
  ["bundles", digests],
  ["escalates_to", names],
  ["subagents", names],
] as const)("%s of a base key are at most 16, each of its form", (claim, some) => {
  for (const good of [[], some(16)]) expect(checkBase({ ...baseClaims, [claim]: good })).toMatchObject({ ok: true });
  for (const bad of [some(17), ["A B"], [1], null])
    expect(checkBase({ ...baseClaims, [claim]: bad })).toMatchObject({ ok: false });
});

test("every claim is required and of its own form, and there is no other", () => {
  for (const [check, claims] of [
    [checkBase, baseClaims],
    [checkTask, taskClaims],
  ] as const) {
    expect(check(claims)).toMatchObject({ ok: true });
    expect(check({ ...claims, admin: true })).toMatchObject({ ok: false });
    for (const name of Object.keys(claims)) {
      expect(check({ ...claims, [name]: undefined }), name).toMatchObject({ ok: false });
      if (name !== "capabilities") expect(check({ ...claims, [name]: { a: 1 } }), name).toMatchObject({ ok: false });
    }
  }
});

test("the two kinds have types of their own", () => {
  expect([BASE_TYP, TASK_TYP]).toEqual(["silo-base+jwt", "silo-task+jwt"]);
});

test("a task key names a customer by token, or nobody", () => {
  expect(checkTask({ ...taskClaims, customer: null })).toMatchObject({ ok: true });
  expect(checkTask({ ...taskClaims, customer: "C0042" })).toMatchObject({ ok: false });
});
