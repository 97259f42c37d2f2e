/** The journal: each call of an assignment by its step, with its recorded outcome. Writes happen inside a transaction. */

import type { LedgerEffect } from "./abi/entry-fields.ts";
import { release } from "./ledger.ts";
import type { JournalEntry, Outcome } from "./records.ts";
import type { Store } from "./store.ts";

/** Where a call stands: one step of one assignment of one task. */
export type CallPlace = { task: string; assignment: string; step: number };

export function recorded(store: Store, { assignment, step }: Pick<CallPlace, "assignment" | "step">) {
  return store.journal.get([assignment, step]);
}

/**
 * Bytes of arguments and sealed values one assignment may record: they are kept for its re-runs. Values up to SMALL_BYTES are not counted;
 * all steps together are 10 MB of those.
 */
export const JOURNAL_BYTES_MAX = 64 * 1024 * 1024;
export const SMALL_BYTES = 1024;

/** Whether an assignment may record another call; its last one may pass the bound. */
export function hasJournalRoom(store: Store, assignment: string): boolean {
  return (store.journalBytes.get(assignment) ?? 0) < JOURNAL_BYTES_MAX;
}

function addBytes(store: Store, assignment: string, bytes: number): void {
  if (bytes > SMALL_BYTES) store.journalBytes.put(assignment, (store.journalBytes.get(assignment) ?? 0) + bytes);
}

/** Writes a new call. An effect without outcome is open: somebody has to decide it. */
export function record(store: Store, place: CallPlace, entry: JournalEntry): void {
  const key = [place.assignment, place.step];
  store.journal.put(key, entry);
  if (entry.effect === "read") return;
  if (entry.outcome === null) store.open.put(key, place.task);
  addBytes(store, place.assignment, Buffer.byteLength(JSON.stringify(entry.arguments)));
}

/** A call without outcome is permitted again `now` (ms), under a new epoch. */
export function renew(store: Store, place: CallPlace, entry: JournalEntry, epoch: number, now: number): JournalEntry {
  const renewed = { ...entry, epoch, renewed_at: now };
  store.journal.put([place.assignment, place.step], renewed);
  return renewed;
}

/** Gives a call its outcome; returns what the ledger got back. What is not `kept` did not happen. */
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
  if (entry.effect === "write") store.open.remove(key);
  if (outcome.end === "done") addBytes(store, place.assignment, outcome.value?.length ?? 0);
  return released;
}

/** Effects of an assignment that are intended and have no outcome, by step. */
export function openSteps(store: Store, assignment: string): number[] {
  return store.open.under([assignment]).map(({ key }) => (key as [string, number])[1]);
}

/** The step after the highest one an assignment has used. */
export function nextStep(store: Store, assignment: string): number {
  const [last] = store.journal.under([assignment], { limit: 1, reverse: true });
  return last === undefined ? 1 : (last.key as [string, number])[1] + 1;
}

/** Takes a call that did nothing out of the journal, with what it had reserved: the step is free again. */
export function forget(
  store: Store,
  { assignment, step }: Pick<CallPlace, "assignment" | "step">,
  entry: JournalEntry,
) {
  release(store.ledger, entry.reserved);
  store.journal.remove([assignment, step]);
  store.open.remove([assignment, step]);
}

/** What a permit says of what a person decided. */
export function voided({ void_until }: Pick<JournalEntry, "void_until">): Pick<JournalEntry, "void_until"> {
  return void_until === undefined ? {} : { void_until };
}
