/** Each guard of the door against a cell's bytes: without those of an attack it comes through, and each alone stops it. */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { doorGuards, doorRows, plain } from "./guards.ts";

const run = promisify(execFile);
const PATIENCE_MS = 60_000;

async function isThrough(attack: string, taken: readonly string[]): Promise<boolean> {
  const argv = ["tests/hostile/door/door-inside.ts", attack, ...taken];
  return JSON.parse((await run(process.execPath, argv)).stdout) as boolean;
}

const all = doorRows.map(({ attack, guards }) => [attack, guards] as const);

test.each(all)("%s comes through where %j are out", { timeout: PATIENCE_MS }, async (attack, guards) => {
  expect(await isThrough(attack, guards)).toBe(true);
});

test.each(all.flatMap(([attack, guards]) => guards.map((guard) => [attack, guard, guards] as const)))(
  "%s is stopped by %s alone",
  { timeout: PATIENCE_MS },
  async (attack, guard, guards) => {
    const others = guards.filter((other) => other !== guard);
    expect(await isThrough(attack, others)).toBe(false);
  },
);

test("every bound of the door is a guard that is taken out, or says why it is none, and every guard has an attack", () => {
  const files = readdirSync("proxies/door").map((name) => `proxies/door/${name}`);
  const sources = [...files, "kernel/process/body.ts", "kernel/process/http.ts"].map((path) =>
    readFileSync(path, "utf8"),
  );
  const bounds = sources.flatMap((source) =>
    [...source.matchAll(/const ([A-Z_]+_(?:MAX|MS)) =/g)].map(([, name]) => name),
  );
  expect(bounds.filter((name = "") => doorGuards[name] === undefined && plain[name] === undefined)).toEqual([]);
  expect(Object.keys(plain).filter((name) => !bounds.includes(name))).toEqual([]);
  const stopped = doorRows.flatMap(({ guards }) => guards);
  expect(Object.keys(doorGuards).filter((guard) => !stopped.includes(guard))).toEqual([]);
});

test("SECURITY.md names the guards of the door that stand alone", () => {
  const page = readFileSync("SECURITY.md", "utf8");
  const named = [...page.matchAll(/^\| door \| ([^|]+) \| `([a-z_]+)` \| [^|]{10,} \|$/gm)].map(([, guard, attack]) => [
    attack,
    guard,
  ]);
  const alone = doorRows.flatMap(({ attack, guards: [guard, ...others] }) =>
    others.length === 0 ? [[attack, guard]] : [],
  );
  expect(named.sort()).toEqual(alone.sort());
});
