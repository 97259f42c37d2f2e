/** A declaration and the proxy agree on what it can do. */
import { expect, test } from "vitest";
import { readOperations } from "../../../kernel/abi/operations-file.ts";
import { ConfigError } from "../../../kernel/process/config.ts";
import { checkOperations } from "../../../proxies/sms/acting.ts";

const declared = readOperations({ etc: "config" });
const changed = (change: object) => new Map([["sms:send", { ...declared.get("sms:send"), ...change } as never]]);

test("what is declared can be done", () => {
  expect([...declared].filter(([, { proxy }]) => proxy === "sms").map(([name]) => name)).toEqual([
    "sms:send",
    "sms:status",
  ]);
  checkOperations(declared);
});

test.each([
  ["an unknown command", { action: { command: "shout" } }],
  ["no command", { action: {} }],
  ["a message that is a read", { effect: "read" }],
])("%s stops the process", (_, change) => {
  expect(() => checkOperations(changed(change))).toThrow(ConfigError);
});
