/** What an attack came to. Pure. */
import type { Start } from "../../jail/messages.ts";

export type IsolationName = Start["isolation"];
export type Ended = { event: string | null; reason: string | null; fields: Record<string, unknown> };
export type Result = { attack: string; isolation: IsolationName; result: "refused" | "THROUGH"; code: string };

const LEAVING = "leave_everything";

/** What an attack says that was refused: an errno, a signal, a code of the membrane, or a word for what was there instead. */
const REFUSED = /^[A-Z][A-Z0-9_]*$/;

export function isRefusal(code: string): boolean {
  return REFUSED.test(code);
}

/** Attacks that end their run, and the reasons the kernel may then give for its end. */
export const ENDING: Readonly<Record<string, readonly string[]>> = {
  spin: ["DEADLINE"],
  sleep: ["DEADLINE"],
  flood: ["ATTEMPTS_USED_UP", "DEADLINE"],
  replay: ["REPLAY_DIVERGED"],
  endless_files: ["DEADLINE"],
};

/** `faults`: what is no longer as it was on the host, or did not go on beside. They condemn every attack of the batch. */
export function judge(attack: string, isolation: IsolationName, said: unknown, faults: readonly string[]): Result {
  const code = typeof said === "string" ? said : `done: ${said}`;
  if (faults.length > 0) return { attack, isolation, result: "THROUGH", code: `${code}; ${faults.join("; ")}` };
  return { attack, isolation, result: isRefusal(code) ? "refused" : "THROUGH", code };
}

/** Of an attack that ends its run: a reason it is to end for, or what it said that it got. */
export function judgeEnding(attack: string, isolation: IsolationName, ended: Ended, faults: readonly string[]): Result {
  const { event, reason, fields } = ended;
  const isEnded = event !== "Completed" && reason !== null && ENDING[attack]?.includes(reason) === true;
  const said = isEnded ? reason : (fields[attack] ?? `done: it ended ${event}, ${reason}`);
  return judge(attack, isolation, said, faults);
}

/** The attacks there are, from what `list` answers: an area a line. */
export function attacksIn(list: string): { area: string; attacks: string[] }[] {
  return list.split("\n").map((line) => {
    const [area = "", names = ""] = line.split(": ");
    return { area, attacks: names.split(" ") };
  });
}

/** At most so many attacks in one cell, in the order they stand. What one run leaves is looked for in the next. */
export function batchesOf(attacks: readonly string[], size: number): string[][] {
  const traces = attacks.filter((name) => name.startsWith("left_"));
  const leaving = attacks.filter((name) => name === LEAVING);
  const others = attacks.filter((name) => !traces.includes(name) && name !== LEAVING);
  const cut: string[][] = [];
  for (let at = 0; at < others.length; at += size) cut.push(others.slice(at, at + size));
  return [...cut, leaving, traces].filter((batch) => batch.length > 0);
}
