import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newId } from "../../../kernel/abi/ids.ts";
import { type CaseKeys, openCaseKeys } from "../../../proxies/vault/case-keys.ts";
import { type Cases, loadInto, openCases, openHeld } from "../../../proxies/vault/cases.ts";
import { newDraft } from "../../../proxies/vault/table.ts";

const IDLE_MAX = 3;
let folder: string;
let keys: CaseKeys;
let cases: Cases;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "silo-cases-"));
  keys = openCaseKeys(join(folder, "slots"), randomBytes(32), randomBytes);
  cases = openCases(keys, randomBytes, IDLE_MAX);
});
afterEach(() => {
  keys.close();
  rmSync(folder, { recursive: true });
});

const create = () => cases.create(newId("case", randomBytes));

test("one case is open once, however many hold it", async () => {
  const open = await create();
  expect(cases.hold(open.id)).toBe(open);
  cases.release(open);
  expect(cases.hold(open.id)).toBe(open);
});

test("a case nobody holds stays for a while, the least recently used leaves first and is wiped", async () => {
  const opened = await Promise.all(Array.from({ length: IDLE_MAX + 1 }, create));
  const sealed = opened.map((open) => open.sealValue("x"));
  for (const open of opened.slice(0, IDLE_MAX)) cases.release(open);
  expect(cases.size).toBe(IDLE_MAX + 1);
  const [first, second] = opened;
  if (first === undefined || second === undefined) throw new Error("no cases");
  cases.release(cases.hold(first.id) ?? first);
  for (const open of opened.slice(IDLE_MAX)) cases.release(open);
  expect(cases.size).toBe(IDLE_MAX);
  expect(cases.hold(first.id)).toBe(first);
  expect(second.openValue(sealed[1] ?? "")).toBeUndefined();
  expect(cases.hold(second.id)).not.toBe(second);
  expect(cases.hold(second.id)?.openValue(sealed[1] ?? "")).toBe("x");
});

test("a destroyed case is gone for everybody, and whoever still holds it never seals under an empty key", async () => {
  const open = await create();
  const before = open.sealValue("x");
  await cases.destroy(open.id);
  expect(cases.hold(open.id)).toBeUndefined();
  expect(open.openValue(before)).toBe("x");
  cases.release(open);
  expect(open.openValue(before)).toBeUndefined();
});

test("what the kernel kept is taken in once, and counted once", async () => {
  const open = await create();
  const draft = newDraft();
  open.table.tokenFor("name", "Ann", draft);
  const kept = open.sealDelta(draft);
  open.accepted(kept);
  open.accepted(kept);
  open.load([kept?.sealed ?? "", kept?.sealed ?? ""]);
  expect(open.sealedBytes).toBe(kept?.sealed.length);
  expect(open.sealDelta(draft)).toBeNull();
});

test("what contradicts itself is refused, and then nobody holds the case", async () => {
  const open = await create();
  const other = await create();
  const draft = newDraft();
  other.table.tokenFor("name", "Bob", draft);
  const foreign = other.sealDelta(draft)?.sealed ?? "";
  expect(loadInto(open, [foreign])).toMatchObject({ code: "CONFLICT" });
  cases.release(open);
  expect(openHeld(cases, open.id, ["AAAA"])).toMatchObject({ code: "CONFLICT" });
  expect(open.holders).toBe(0);
  expect(openHeld(cases, "case_0000000000000000", [])).toMatchObject({ code: "CASE_UNKNOWN" });
});
