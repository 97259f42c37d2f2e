import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { formats } from "../../../proxies/siem/formats.ts";
import type { LogRecord } from "../../../proxies/siem/record.ts";

const text = '{"time":1,"verb":"quiet","note":"a\\nb\\u2028\u2028 \\u001b[31m"}';
const leaf = createHash("sha256").update("\0").update(text).digest("hex");
const entry: LogRecord = { kind: "entry", index: 7, leaf, prev: "0".repeat(64), text };
const note = "silo/a1\n8\nAAAA\n\n— silo/a1 c2ln\n";

test("native: whoever receives an entry hashes it to its leaf", () => {
  const told = JSON.parse(formats.native(entry, "silo/a1"));
  expect(told).toEqual({ log: "silo/a1", kind: "entry", index: 7, leaf, prev: entry.prev, raw: text });
  expect(createHash("sha256").update("\0").update(told.raw).digest("hex")).toBe(leaf);
});

test("native: a checkpoint is the signed note itself", () => {
  const told = JSON.parse(formats.native({ kind: "checkpoint", size: 8, root: "ab", note }, "silo/a1"));
  expect(told).toEqual({ log: "silo/a1", kind: "checkpoint", size: 8, root: "ab", note });
});

test.each(Object.entries(formats))("%s: an event is one line", (_, format) => {
  for (const record of [entry, { kind: "checkpoint", size: 8, root: "ab".repeat(32), note } as const])
    expect(format(record, "silo/a1")).not.toMatch(/[\n\r\0]/);
});
