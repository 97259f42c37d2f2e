/** Every guard is proved: alone it stops its attack, and with any one out the others do; what stands alone is named. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { isolationNames } from "../jail/jailer.ts";
import { guards, rows, singlePoints } from "./guards.ts";
import { claimsOf, type Proof } from "./matrix.ts";

const PATIENCE_MS = 300_000;
const page = readFileSync(new URL("../../SECURITY.md", import.meta.url), "utf8");
const single = [...page.matchAll(/^\| (gvisor|nspawn) \| ([^|]+) \| `([a-z_]+)` \|/gm)].map(
  ([, isolation, guard, attack]) => ({ isolation, guard, attack }),
);

test("SECURITY.md names what stands alone, and nothing else", () => {
  const declared = isolationNames.flatMap((isolation) => singlePoints(isolation).map((one) => ({ isolation, ...one })));
  expect(single).toEqual(expect.arrayContaining(declared));
  expect(single.length).toBe(declared.length);
});

test.each(isolationNames)(
  "every guard of %s that can be taken out stops something, and every row knows its guards",
  (isolation) => {
    const named = new Set(rows[isolation].flatMap((row) => row.guards));
    expect([...named].sort()).toEqual(Object.keys(guards[isolation]).sort());
  },
);

test("a row claims that its guards are all there are, that each is enough, and that none is needed", () => {
  expect(claimsOf({ attack: "tcp_host", guards: ["a", "b", "c"] })).toEqual([
    { taken: ["a", "b", "c"], isRefused: false },
    ...[["b", "c"], ["a", "c"], ["a", "b"], ["a"], ["b"], ["c"]].map((taken) => ({ taken, isRefused: true })),
  ]);
  expect(claimsOf({ attack: "memory", guards: ["a"] })).toEqual([
    { taken: ["a"], isRefused: false },
    { taken: [], isRefused: true },
  ]);
});

test.each(isolationNames)(
  "each row of %s comes as it claims, in real cells",
  { timeout: PATIENCE_MS },
  async (isolation) => {
    const argv = [
      "--net",
      "--",
      process.execPath,
      "tests/hostile/inside.ts",
      "--guards",
      "--json",
      "--isolation",
      isolation,
    ];
    const child = spawn("unshare", argv, { stdio: ["ignore", "pipe", "inherit"] });
    const [said, [status]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    const proofs = said
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Proof);
    expect(proofs.filter(({ holds }) => !holds)).toEqual([]);
    expect(proofs.length).toBe(rows[isolation].flatMap((row) => claimsOf(row)).length);
    expect(status).toBe(0);
  },
);
