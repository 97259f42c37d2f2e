/** All attacks, one cell after another, with refunds beside; after each cell the host is looked at. Runs inside the build root. */
import { setTimeout as pause } from "node:timers/promises";
import { bringUpNetwork, type Host, openHost } from "./host.ts";
import { attacksIn, batchesOf, ENDING, type IsolationName, judge, judgeEnding, type Result } from "./verdict.ts";
import { type HostileWorld, startHostileWorld } from "./world.ts";

/** `attacks`: by name; none: all there are. */
export type Choice = { isolations: readonly IsolationName[]; attacks: readonly string[] };
type Tell = (result: Result) => void;

/** Attacks in one cell: what it has time for. */
const BATCH = 24;
/** They need keys that another run has collected, the one long before. */
const HANDED = ["expired_key", "other_key"];

export async function runSuite(choice: Choice, tell: Tell): Promise<Result[]> {
  bringUpNetwork();
  const world = await startHostileWorld(choice.isolations);
  // Once before anything is compared: what a first run makes is there from then on.
  await Promise.all([
    world.refund(),
    ...choice.isolations.map((isolation) => world.attack(isolation, { attack: "list" })),
  ]);
  await world.quiet(() => 0);
  const host = await openHost();
  try {
    const results: Result[] = [];
    const say: Tell = (result) => {
      results.push(result);
      tell(result);
    };
    const old = await collectAll(world, choice.isolations);
    await tryEndings(world, host, choice, say);
    for (const isolation of choice.isolations) await tryAll(world, host, isolation, choice, say);
    for (const isolation of choice.isolations) await tryHanded(world, host, isolation, choice, old.get(isolation), say);
    return results;
  } finally {
    host.close();
    await world.stop();
  }
}

type Collected = { task_key?: unknown; expires?: unknown };

async function collectAll(
  world: HostileWorld,
  names: readonly IsolationName[],
): Promise<Map<IsolationName, Collected>> {
  const runs = names.map(async (name) => [name, (await world.attack(name, { attack: "collect" })).fields] as const);
  return new Map(await Promise.all(runs));
}

/** All at once: most of them take as long as a cell may. */
async function tryEndings(world: HostileWorld, host: Host, choice: Choice, say: Tell): Promise<void> {
  const pairs = choice.isolations.flatMap((isolation) =>
    wanted(choice, Object.keys(ENDING)).map((attack) => ({ isolation, attack })),
  );
  if (pairs.length === 0) return;
  const runs = Promise.all(
    pairs.map(async ({ isolation, attack }) => ({ isolation, attack, ...(await world.attack(isolation, { attack })) })),
  );
  const faults = await faultsAfter(world, host, runs);
  for (const { isolation, attack, ...ended } of await runs) say(judgeEnding(attack, isolation, ended, faults));
}

async function tryAll(
  world: HostileWorld,
  host: Host,
  isolation: IsolationName,
  choice: Choice,
  say: Tell,
): Promise<void> {
  const { text } = await world.attack(isolation, { attack: "list" });
  const names = wanted(
    choice,
    attacksIn(text).flatMap(({ attacks }) => attacks),
  ).filter((name) => !HANDED.includes(name));
  for (const batch of batchesOf(names, BATCH)) await tryBatch(world, host, isolation, batch, {}, say);
}

async function tryHanded(
  world: HostileWorld,
  host: Host,
  isolation: IsolationName,
  choice: Choice,
  old: Collected | undefined,
  say: Tell,
): Promise<void> {
  const names = wanted(choice, HANDED);
  if (names.length === 0) return;
  const { task_key: other } = (await collectAll(world, [isolation])).get(isolation) ?? {};
  await pause(Math.max(0, (Number(old?.expires) + 1) * 1000 - Date.now()));
  const keys = { expired_key: String(old?.task_key), other_key: String(other) };
  await tryBatch(world, host, isolation, names, keys, say);
}

async function tryBatch(
  world: HostileWorld,
  host: Host,
  isolation: IsolationName,
  batch: readonly string[],
  keys: Record<string, string>,
  say: Tell,
): Promise<void> {
  const run = world.attack(isolation, { ...keys, attack: batch.join(" ") });
  const faults = await faultsAfter(world, host, run);
  const { fields, event, reason } = await run;
  const silence = `done: it ended ${event}, ${reason}`;
  for (const attack of batch) say(judge(attack, isolation, fields[attack] ?? silence, faults));
}

/** A refund goes beside; when both are over, and their cells gone, the host is what it was. */
async function faultsAfter(world: HostileWorld, host: Host, run: Promise<unknown>): Promise<string[]> {
  const [went] = await Promise.all([world.refund(), run]);
  const cleared = await world.quiet(host.left);
  return [
    ...(went ? [] : ["another task did not go on"]),
    ...(cleared ? [] : ["something of the cell is left"]),
    ...host.faults(),
  ];
}

function wanted(choice: Choice, names: readonly string[]): string[] {
  return names.filter((name) => choice.attacks.length === 0 || choice.attacks.includes(name));
}
