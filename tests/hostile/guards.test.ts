/** Every guard is proved: alone it stops its attack, and with any one out the others do; what stands alone is named. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { isolationNames } from "../jail/jailer.ts";
import { guards, type Place } from "./guards.ts";
import { claimsOf, type Proof } from "./matrix.ts";
import { felt, rows, SLOW, singlePoints } from "./rows.ts";

const PATIENCE_MS = 900_000;
const places: Place[] = [...isolationNames, "sentry"];
const page = readFileSync(new URL("../../SECURITY.md", import.meta.url), "utf8");
/** Every attack that the page names beside a guard. */
const single = [...page.matchAll(/^\| (gvisor|nspawn|sentry) \| ([^|]+) \| (`[^|]+`) \| [^|]{10,} \|$/gm)].flatMap(
  ([, place, guard, attacks = ""]) =>
    [...attacks.matchAll(/`([a-z_]+)`/g)].map(([, attack]) => ({ place, guard, attack })),
);

test("SECURITY.md names what stands alone, and nothing else", () => {
  const declared = places.flatMap((place) => singlePoints(place).map((one) => ({ place, ...one })));
  const order = (all: object[]) => all.map((one) => JSON.stringify(one, ["place", "guard", "attack"])).sort();
  expect(order(single)).toEqual(order(declared));
});

test.each(places)(
  "every guard of %s that can be taken out stops something, and every row knows its guards",
  (place) => {
    const named = new Set(rows[place].flatMap((row) => row.guards));
    expect([...named].sort()).toEqual(Object.keys(guards[place]).sort());
  },
);

test("what is left out for the machine's sake has a row in its place, and what is slow is there", () => {
  const stopped = (guard: string) => singlePoints("nspawn").some((one) => one.guard === guard);
  expect(Object.keys(felt).filter((guard) => !stopped(guard))).toEqual([]);
  const attacks = readdirSync("agents/hostile").filter((name) => name.endsWith(".py"));
  const source = attacks.map((name) => readFileSync(`agents/hostile/${name}`, "utf8")).join("");
  expect([...SLOW, ...Object.values(felt).flat()].filter((name) => !source.includes(name))).toEqual([]);
});

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
      "--uts",
      "--ipc",
      "--",
      process.execPath,
      "tests/hostile/inside.ts",
      "--guards",
      "--quick",
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
    const claimed = (place: Place) =>
      rows[place].flatMap((row) => claimsOf(row).map(({ taken }) => [place, row.attack, taken]));
    const told = new Set(proofs.map(({ place, attack, taken }) => JSON.stringify([place, attack, taken])));
    const asked = isolation === "gvisor" ? [isolation, "sentry" as const] : [isolation];
    expect(asked.flatMap(claimed).filter((claim) => !told.has(JSON.stringify(claim)))).toEqual([]);
    expect(proofs.filter(({ attack, taken }) => attack === "every" && taken.length <= 1).length).toBeGreaterThan(1);
    expect(status).toBe(0);
  },
);
