/** The journal: each call of an assignment by its step, with its recorded outcome. Writes happen inside a transaction. */

import type { LedgerEffect } from "./audit/entry.ts";
import { release } from "./ledger.ts";
import type { JournalEntry, Outcome } from "./records.ts";
import type { Store } from "./store.ts";

/** Where a call stands: one step of one assignment of one task. */
export type CallPlace = { task: string; assignment: string; step: number };

export function recorded(store: Store, { assignment, step }: Pick<CallPlace, "assignment" | "step">) {
  return store.journal.get([assignment, step]);
}

/** Bytes of arguments and sealed values one assignment may record: they are kept for its re-runs. */
export const JOURNAL_BYTES_MAX = 64 * 1024 * 1024;

/** Whether an assignment may record another call; its last one may pass the bound. */
export function hasJournalRoom(store: Store, assignment: string): boolean {
  return (store.journalBytes.get(assignment) ?? 0) < JOURNAL_BYTES_MAX;
}

function addBytes(store: Store, assignment: string, bytes: number): void {
  if (bytes > 0) store.journalBytes.put(assignment, (store.journalBytes.get(assignment) ?? 0) + bytes);
}

/** Writes a new call. Without outcome it is an open intent. */
export function record(store: Store, place: CallPlace, entry: JournalEntry): void {
  const key = [place.assignment, place.step];
  const given = Object.keys(entry.arguments).length === 0 ? "" : JSON.stringify(entry.arguments);
  store.journal.put(key, entry);
  if (entry.outcome === null) store.open.put(key, place.task);
  addBytes(store, place.assignment, Buffer.byteLength(given));
}

/** An open intent is permitted again, under a new epoch. */
export function renew(store: Store, place: CallPlace, entry: JournalEntry, epoch: number): JournalEntry {
  const renewed = { ...entry, epoch };
  store.journal.put([place.assignment, place.step], renewed);
  return renewed;
}

/** Gives an open intent its outcome; returns what the ledger got back. What is not `kept` did not happen. */
export function close(
  store: Store,
  place: CallPlace,
  entry: JournalEntry,
  outcome: Outcome,
  kept: boolean,
): LedgerEffect[] {
  const key = [place.assignment, place.step];
  const released = kept ? [] : release(store.ledger, entry.reserved);
  store.journal.put(key, { ...entry, outcome, reserved: kept ? entry.reserved : [] });
  store.open.remove(key);
  if (outcome.end === "done") addBytes(store, place.assignment, outcome.value?.length ?? 0);
  return released;
}

/** Steps of an assignment that are intended and have no outcome. */
export function openSteps(store: Store, assignment: string): number[] {
  return store.open.under([assignment]).map(({ key }) => (key as [string, number])[1]);
}

/** The step after the highest one an assignment has used. */
export function nextStep(store: Store, assignment: string): number {
  const [last] = store.journal.under([assignment], { limit: 1, reverse: true });
  return last === undefined ? 1 : (last.key as [string, number])[1] + 1;
}
