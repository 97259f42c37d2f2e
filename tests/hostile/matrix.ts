/** Takes guards out of cells, and says what got through. Runs as root inside the build root, as host.ts says. */
import { FILTER, guards, type Place } from "./guards.ts";
import type { Host } from "./host.ts";
import { runLowered } from "./lowered.ts";
import { felt, type Row, reaches, rows, SLOW, singlePoints } from "./rows.ts";
import { type IsolationName, isRefusal } from "./verdict.ts";

/** `taken`: the guards that were out. `holds`: whether it came as rows.ts says. */
export type Proof = { attack: string; place: Place; taken: readonly string[]; code: string; holds: boolean };
type Tell = (proof: Proof) => void;

/** What each row claims: all out, it gets through; all but one out, or one out, it does not. */
export function claimsOf({ guards: stop }: Row): { taken: readonly string[]; isRefused: boolean }[] {
  const others = stop.map((guard) => stop.filter((other) => other !== guard));
  const single = stop.map((guard) => [guard]);
  // Of two guards, all but one and one are the same.
  const lowered = stop.length <= 2 ? others : [...others, ...single];
  return [{ taken: stop, isRefused: false }, ...lowered.map((taken) => ({ taken, isRefused: true }))];
}

/** Proves every row of a place: one cell for each set of guards that is taken out. */
export async function proveRows(place: Place, host: Host, tell: Tell): Promise<void> {
  const claims = rows[place].flatMap((row) => claimsOf(row).map((claim) => ({ ...claim, attack: row.attack })));
  const sets = Map.groupBy(claims, ({ taken }) => [...taken].sort().join(", "));
  for (const group of sets.values()) {
    const taken = group[0]?.taken ?? [];
    const came = await tryIn(place, host, taken, [...new Set(group.map(({ attack }) => attack))]);
    for (const { attack, code, isThrough } of came) {
      const claim = group.find((one) => one.attack === attack);
      tell({ attack, place, taken, code, holds: isThrough !== claim?.isRefused });
    }
  }
}

/** Each guard of an isolation out, and none: of all attacks those come through that this guard alone stops. */
export async function proveEach(place: IsolationName, host: Host, isQuick: boolean, tell: Tell): Promise<void> {
  const all = Object.keys(await runLowered(place, [], []));
  const stopped = singlePoints(place);
  for (const out of [undefined, ...Object.keys(guards[place]).filter((name) => !isQuick || isSwift(place, name))]) {
    const alone = stopped.filter(({ guard }) => guard === out).map(({ attack }) => attack);
    const tried = all.filter(
      (attack) => !felt[out ?? ""]?.includes(attack) && !(isQuick && SLOW.includes(attack) && !alone.includes(attack)),
    );
    const came = await tryIn(place, host, out === undefined ? [] : [out], tried);
    const wrong = came.filter(({ attack, isThrough }) => isThrough !== alone.includes(attack));
    const code = wrong.map((one) => `${one.attack} ${one.code}`).join("; ") || `${came.length} as said`;
    tell({ attack: "every", place, taken: out === undefined ? [] : [out], code, holds: wrong.length === 0 });
  }
}

/** A cell of gVisor takes many times as long for all attacks. */
function isSwift(place: IsolationName, guard: string): boolean {
  return place === "nspawn" || guard === FILTER;
}

async function tryIn(place: Place, host: Host, taken: readonly string[], attacks: readonly string[]) {
  const got = await runLowered(place, taken, attacks);
  const reached = host.faults();
  return attacks.map((attack) => ({ attack, ...cameOf(place, attack, got[attack], reached) }));
}

/** What was sent or killed has gone through where the host notices; all else, where the cell could do it. */
function cameOf(
  place: Place,
  attack: string,
  got: unknown,
  reached: readonly string[],
): { code: string; isThrough: boolean } {
  const code = typeof got === "string" ? got : `done: ${got}`;
  const canary = reaches[`${place} ${attack}`] ?? reaches[attack];
  if (canary === undefined) return { code, isThrough: !isRefusal(code) };
  const noticed = reached.filter((what) => what.startsWith(canary));
  return { code: noticed[0] ?? `${code}, and nothing arrived`, isThrough: noticed.length > 0 };
}
