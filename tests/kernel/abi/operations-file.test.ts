import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readOperations } from "../../../kernel/abi/operations-file.ts";

const refund = `
title: Refund an order
effect: write
customer: required
arguments:
  order: { type: string, class: public, pattern: "O[0-9]{1,9}" }
  amount: { type: integer, class: public, minimum: 1 }
  currency: { type: string, class: public, enum: [USD] }
result:
  rows: one
  fields: { refund: { class: public } }
limited: { amount: currency }
shadow: { refund: R0 }
reconcile: transaction
action: { sql: "select 1" }
`;

let etc: string;
beforeEach(() => {
  etc = mkdtempSync(join(tmpdir(), "silo-operations-"));
  mkdirSync(join(etc, "operations"));
});
afterEach(() => rmSync(etc, { recursive: true }));

function file(proxy: string, operations: Record<string, string>): void {
  const body = Object.entries(operations).map(([name, yaml]) => `  ${name}:${yaml.replaceAll("\n", "\n    ")}`);
  writeFileSync(join(etc, "operations", `${proxy}.yaml`), `proxy: ${proxy}\noperations:\n${body.join("\n")}\n`);
}

test("an operation knows its proxy", () => {
  file("database", { "refund:create": refund });
  const operation = readOperations({ etc }).get("refund:create");
  expect(operation?.proxy).toBe("database");
  expect(operation?.limited).toEqual({ amount: "currency" });
});

test("no operation at all, or no folder, stops the process", () => {
  expect(() => readOperations({ etc })).toThrow("No operation is declared");
  expect(() => readOperations({ etc: "/nowhere" })).toThrow("/nowhere/operations is missing");
});

test("a capability declared in two files is refused where it stands the second time", () => {
  file("database", { "refund:create": refund });
  file("email", { "refund:create": refund });
  expect(() => readOperations({ etc })).toThrow(/email\.yaml:4:\d+: .*refund:create is declared twice/);
});

test("two files of one proxy are refused", () => {
  file("database", { "refund:create": refund });
  writeFileSync(join(etc, "operations", "other.yaml"), "proxy: database\noperations: {}\n");
  expect(() => readOperations({ etc })).toThrow("/proxy has another file already");
});

const faults: [string, [string | RegExp, string], string][] = [
  ["a spare key", ["title:", "colour: red\ntitle:"], "additional properties"],
  ["a limit on an argument nobody declared", ["{ amount: currency }", "{ total: currency }"], "/limited/total is not"],
  ["a limit on text", ["{ amount: currency }", "{ order: currency }"], "/limited/order is not a public integer"],
  ["a limit that could count backwards", ["minimum: 1", "minimum: -1"], "could count backwards"],
  ["a limited number without minimum", [", minimum: 1", ""], "could count backwards"],
  ["a limited number that may be left out", ["minimum: 1", "minimum: 1, optional: true"], "left out of the count"],
  ["a currency nobody declared", ["{ amount: currency }", "{ amount: unit }"], "names unit"],
  [
    "a recipient that is no contact",
    ["class: public, pattern", "class: name, recipient: true, x: x, pattern"],
    "order",
  ],
  [
    "a recipient of class text",
    ['class: public, pattern: "O[0-9]{1,9}"', "class: text, recipient: true"],
    "/order/recipient",
  ],
  [
    "a token ruled by a pattern",
    ["class: public, pattern", "class: email, pattern"],
    "/order/pattern cannot rule a token",
  ],
  [
    "a customer named by an argument",
    ['class: public, pattern: "O[0-9]{1,9}"', "class: customer"],
    "/order/class names",
  ],
  [
    "a personal integer",
    ["type: integer, class: public", "type: integer, class: phone"],
    "/amount/class stands for text",
  ],
  ["a pattern that is none", ["O[0-9]{1,9}", "O[0-9"], "/order/pattern is not a regular expression"],
  [
    "a contact that is no contact class",
    ["refund: { class: public }", "refund: { class: name, contact: true }"],
    "contact",
  ],
  ["a shadow field that is no result", ["{ refund: R0 }", "{ refunds: R0 }"], "/shadow/refunds is not a result field"],
  ["a write nobody can decide", ["reconcile: transaction", "reconcile: none"], "/reconcile must say"],
  ["a read with something to reconcile", ["effect: write", "effect: read"], "/reconcile must be none"],
  ["a write for the vault alone", ["effect: write", "effect: write\ncaller: vault"], "caller vault may only read"],
  ["a minimum over its maximum", ["minimum: 1", "minimum: 5, maximum: 4"], "/minimum is over maximum"],
];

test.each(faults)("%s is refused with its place", (_, [from, to], sentence) => {
  file("database", { "refund:create": refund.replace(from, to) });
  expect(() => readOperations({ etc })).toThrow(sentence);
  expect(() => readOperations({ etc })).toThrow(/database\.yaml:\d+:\d+: /);
});
