/** CEF lines, read back by a reader of the format. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { verbs } from "../../../kernel/abi/entry.ts";
import { cef } from "../../../proxies/siem/formats/cef.ts";
import { entriesOf } from "../../kernel/abi/entries.ts";
import { readCef } from "./cef-line.ts";

const LEAF = "a".repeat(64);
const PREV = "b".repeat(64);
const lineOf = (text: string, appliance = "silo/test") =>
  cef({ kind: "entry", index: 7, leaf: LEAF, prev: PREV, text }, appliance);

test.each(verbs)("%s is one line with its header, its place in the log and the entry itself", (verb) => {
  for (const entry of entriesOf(verb)) {
    const text = JSON.stringify(entry);
    const { header, fields } = readCef(lineOf(text));
    expect(header.slice(0, 5)).toEqual(["CEF:0", "SiloOS", "SiloOS", "1", verb]);
    expect(Number(header[6])).toBeGreaterThan(0);
    const place = { cn1: "7", cn1Label: "index", cs1: LEAF, cs1Label: "leaf", cs2: PREV, cs2Label: "prev" };
    expect(fields).toMatchObject({ ...place, externalId: "silo/test/7", rt: String(entry["time"]), rawEvent: text });
    expect(Object.keys(fields).at(-1)).toBe("rawEvent");
  }
});

test("a denial says who, what, and why", () => {
  const [entry] = entriesOf("intend");
  expect(readCef(lineOf(JSON.stringify(entry))).fields).toMatchObject({
    act: "refund:create",
    outcome: "refused",
    reason: "LIMIT_CALL",
    suser: "refund-agent",
    cs3Label: "task",
  });
});

/** As an attacker would have it: the separators of the format, fields that look real, controls, and much of it. */
const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.string({
    unit: fc.constantFrom(
      "|",
      "=",
      "\\",
      "\n",
      "\r",
      " ",
      "n",
      "r",
      "\0",
      "\u001b[2J",
      "suser=root",
      "CEF:0|",
      "\u2028",
      "\u202e",
    ),
    maxLength: 60,
  }),
);
const visible = (text: string) =>
  text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (char) =>
    char === "\n" || char === "\r" ? char : char.split("").map(escaped).join(""),
  );
const escaped = (half: string) => `\\u${half.charCodeAt(0).toString(16).padStart(4, "0")}`;

test("whatever text a field holds, it ends neither the line nor its field, and no other field appears", () => {
  const named = Object.keys(readCef(lineOf(JSON.stringify(entriesOf("intend")[0]))).fields);
  fc.assert(
    fc.property(hostile, hostile, (who, code) => {
      const [entry] = entriesOf("intend", { role: who, code, capability: who });
      const line = lineOf(JSON.stringify(entry));
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
      const { header, fields } = readCef(line);
      expect([header.length, Object.keys(fields)]).toEqual([7, named]);
      expect(fields["suser"]).toBe(visible(who));
      expect(fields["reason"]).toBe(visible(code));
    }),
    { numRuns: 1000 },
  );
});

test("a header cannot be ended by what stands in it", () => {
  const line = lineOf('{"schema":"1|9|root","verb":"a|b\\\\c\\n"}');
  expect(readCef(line).header).toEqual(["CEF:0", "SiloOS", "SiloOS", "1|9|root", "a|b\\c ", "a|b\\c ", "1"]);
});

test("a megabyte in a field is one field", () => {
  const who = " suser=root|\n".repeat(80_000);
  const { fields } = readCef(lineOf(JSON.stringify(entriesOf("submit", { who })[0])));
  expect(fields["suser"]).toBe(who);
});

test("a checkpoint carries its note, size and root", () => {
  const note = "silo/test\n8\nAAAA\n\n\u2014 silo/test c2ln\n";
  const { header, fields } = readCef(cef({ kind: "checkpoint", size: 8, root: LEAF, note }, "silo/test"));
  expect([header[4], fields["cn1"], fields["cs1"], fields["rawEvent"]]).toEqual(["checkpoint", "8", LEAF, note]);
});
