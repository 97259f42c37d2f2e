import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  cellFolders,
  customerNeedles,
  findLeaks,
  leaksIn,
  seesPlanted,
  watchCells,
} from "../../../console/trial/leaks.ts";
import { makeNeedles } from "../../../console/trial/needles.ts";
import { makeShop } from "../../../console/trial/shop.ts";

const { customers } = makeShop();
const needles = customerNeedles(customers);
const values = customers.flatMap(({ name, email, phone, address }) => [name, email, phone, address]);
const anyValue = fc.constantFrom(...values);

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "leaks-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));

describe("a planted value", () => {
  test("is found in any bytes around it, whatever the chunk", () => {
    const path = `${scratch}/any`;
    fc.assert(
      fc.property(
        anyValue,
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 1, max: 200 }),
        (value, noise, chunk) => {
          writeFileSync(path, Buffer.concat([noise, Buffer.from(value), noise]));
          const [leak, ...more] = leaksIn(needles, path, chunk).filter(({ text }) => text === value);
          expect(leak?.at).toBe(noise.length);
          expect(more).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([
    ["decomposed letters", (value: string) => value.normalize("NFD")],
    [
      "JSON's escapes",
      (value: string) =>
        JSON.stringify(value).replace(
          /[^\x20-\x7e]/g,
          (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
        ),
    ],
  ])("is found in %s", (_, spell) => {
    const path = `${scratch}/spelled`;
    for (const { name } of customers) {
      writeFileSync(path, spell(name));
      expect(leaksIn(needles, path).map(({ text }) => text)).toContain(name);
    }
  });

  test("is found in each folder, and taken away again", () => {
    expect(seesPlanted(needles, scratch, customers[0]?.name ?? "")).toBe(true);
    expect(findLeaks(needles, [scratch]).filter(({ path }) => path.includes("planted"))).toEqual([]);
  });

  test("that is no customer's makes the check say that it is blind", () => {
    expect(seesPlanted(needles, scratch, "Nobody Atall")).toBe(false);
  });

  test("is found as often as it is there, in folders below as well", () => {
    const folder = `${scratch}/nested`;
    mkdirSync(`${folder}/one/two`, { recursive: true });
    const value = customers[41]?.email ?? "";
    writeFileSync(`${folder}/one/two/file`, `${value} and ${value}`);
    expect(findLeaks(needles, [folder]).filter(({ text }) => text === value)).toHaveLength(2);
  });
});

test("tokens and noise are no leak", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (noise) => {
      expect(needles.find(Buffer.concat([Buffer.from("[NAME_1] tok_0abc1234 "), noise]))).toEqual([]);
    }),
  );
});

test("a text too short to mean anybody is refused", () => {
  expect(() => makeNeedles(["ab"])).toThrow("three bytes");
  expect(makeNeedles(["abc"]).find(Buffer.from("xabc"))).toEqual([{ at: 1, text: "abc" }]);
});

describe("the watch over cells", () => {
  test("takes only processes of the cells' users", () => {
    const proc = `${scratch}/proc`;
    for (const [pid, uid] of [
      ["10", 700],
      ["11", 524_287],
      ["12", 524_288],
      ["13", 525_288],
    ] as const) {
      mkdirSync(`${proc}/${pid}`, { recursive: true });
      writeFileSync(`${proc}/${pid}/status`, `Name:\tpython3\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`);
    }
    mkdirSync(`${proc}/14`);
    expect(cellFolders(proc).filter((path) => path.endsWith("/work"))).toEqual([
      `${proc}/12/root/work`,
      `${proc}/13/root/work`,
    ]);
  });

  test("follows no link and waits for no pipe that took a file's place", () => {
    writeFileSync(`${scratch}/secret`, customers[9]?.email ?? "");
    symlinkSync(`${scratch}/secret`, `${scratch}/link`);
    execFileSync("mkfifo", [`${scratch}/pipe`]);
    expect(leaksIn(needles, `${scratch}/link`)).toEqual([]);
    expect(leaksIn(needles, `${scratch}/pipe`)).toEqual([]);
  });

  test("reports a leak once, however often it looked", async () => {
    const work = `${scratch}/work`;
    mkdirSync(work);
    writeFileSync(`${work}/note`, customers[7]?.phone ?? "");
    const watch = watchCells(needles, 5, () => [work]);
    await expect.poll(() => watch.looks).toBeGreaterThan(2);
    expect(watch.end()).toHaveLength(1);
  });
});
