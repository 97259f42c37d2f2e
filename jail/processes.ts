/**
 * The uid range of each slot, and what runs in it. Each cell's users are host uids that no other live cell has, so "what
 * belongs to this cell" is a question about numbers that nothing inside the cell can change.
 */
import { readdirSync, readFileSync } from "node:fs";
import { CELL_UID_BASE, SLOTS_MAX, UIDS_PER_SLOT } from "../kernel/abi/bounds.ts";

export type UidRange = { first: number; last: number };

export function slotUids(slot: number): UidRange {
  const first = CELL_UID_BASE + slot * UIDS_PER_SLOT;
  return { first, last: first + UIDS_PER_SLOT - 1 };
}

/** The ranges of all slots together. */
export const allUids: UidRange = { first: CELL_UID_BASE, last: CELL_UID_BASE + SLOTS_MAX * UIDS_PER_SLOT - 1 };

/** Processes any of whose four uids lies in `range`, from the text of each `/proc/PID/status`; the dead (zombies) are not counted. */
export function processesIn(range: UidRange, proc = "/proc"): number[] {
  return pids(proc).filter((pid) => isIn(range, read(`${proc}/${pid}/status`)));
}

function isIn(range: UidRange, status: string): boolean {
  if (/^State:\tZ/m.test(status)) return false;
  const uids = /^Uid:\t(.*)$/m.exec(status)?.[1]?.split("\t").map(Number) ?? [];
  return uids.some((uid) => uid >= range.first && uid <= range.last);
}

/** Processes whose command line begins with `program` and names `argument`. */
export function processesOf(program: string, argument: string, proc = "/proc"): number[] {
  return pids(proc).filter((pid) => {
    const argv = read(`${proc}/${pid}/cmdline`).split("\0");
    return argv[0] === program && argv.includes(argument);
  });
}

function pids(proc: string): number[] {
  return readdirSync(proc)
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it ended between the listing and the reading
  }
}
