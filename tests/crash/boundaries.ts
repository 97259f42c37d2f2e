/** Every place where something can be killed in the life of one task, as the processes themselves wrote them down in runs without a kill. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { announce, type Place, RECORD, withdraw } from "./points/plan.ts";

/** What is killed while a process is at a place: that process, what runs in the cell, or a system outside. */
export type Victim = "itself" | "cell" | "postgres" | "smtpd";
export type Kill = Place & { victim: Victim };

/** Where else than the process itself something dies: at the boundary that is about it. */
const others: readonly { victim: Victim; process: string; point: RegExp }[] = [
  { victim: "cell", process: "door", point: /^POST / },
  { victim: "postgres", process: "database", point: /^commit of a write/ },
  { victim: "smtpd", process: "email", point: /^(message|end of message)/ },
];

/** Runs `work` and returns how often each process came to each boundary meanwhile. */
export async function recording(id: string, work: () => Promise<void>): Promise<Map<string, number>> {
  writeFileSync(RECORD, "");
  chmodSync(RECORD, 0o666);
  announce({ id, act: "record" });
  await work();
  withdraw();
  const lines = readFileSync(RECORD, "utf8").trimEnd().split("\n");
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}

/** What every record has: a place that comes only sometimes cannot be waited for. */
export function common(records: readonly Map<string, number>[]): Map<string, number> {
  const [first = new Map<string, number>()] = records;
  const least = [...first.keys()].map((name): [string, number] => [
    name,
    Math.min(...records.map((record) => record.get(name) ?? 0)),
  ]);
  return new Map(least.filter(([, count]) => count > 0));
}

/** One kill for each place, in an order that begins with one of every kind. */
export function killsAt(crossings: ReadonlyMap<string, number>): Kill[] {
  const kills = [...crossings].flatMap(([name, count]) => {
    const [process = "", point = ""] = name.split("\t");
    const victims = ["itself" as const, ...others.filter((row) => row.process === process && row.point.test(point))];
    return victims.flatMap((row) =>
      Array.from({ length: count }, (_, index): Kill => {
        return { victim: row === "itself" ? row : row.victim, process, point, crossing: index + 1 };
      }),
    );
  });
  const rank = rankInKind();
  return kills
    .map((kill) => ({ kill, rank: rank(kindOf(kill)) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ kill }) => kill);
}

/** The `of`-th part, of equal size with the others; all parts together are the whole. */
export function shareOf<T>(all: readonly T[], share: string): T[] {
  const [part, parts] = share.split("/").map(Number);
  if (!part || !parts || part > parts) throw new Error(`A share is written K/N, 1 <= K <= N, not ${share}.`);
  return all.slice(Math.ceil(((part - 1) * all.length) / parts), Math.ceil((part * all.length) / parts));
}

/** The place in words: `door at "POST /v1/call received" no. 3`. */
export function placeOf({ victim, process, point, crossing }: Kill): string {
  return `${victim === "itself" ? process : `${victim} killed while ${process} is`} at "${point}" no. ${crossing}`;
}

function rankInKind(): (kind: string) => number {
  const seen = new Map<string, number>();
  return (kind) => {
    const rank = seen.get(kind) ?? 0;
    seen.set(kind, rank + 1);
    return rank;
  };
}

/** Process, victim and what happens at the place, whichever message, path, entry or capability it is about. */
export function kindOf({ process, victim, point }: Kill): string {
  const what = point.replace(
    /^(\S+->\S+|GET|POST|commit of) .*?(?=( received| decided| answered| asked)?(: \w+)?$)/,
    "$1",
  );
  return `${process} ${victim} ${what.replace(/^\S+->\S+/, "edge")}`;
}
