/** Cases, and what the vault sealed for each: the kernel keeps those bytes in order, counts them, and cannot read them. */
import { CASE_TABLE_BYTES_MAX } from "./abi/bounds.ts";
import { done, type End, refused } from "./abi/ends.ts";
import type { RequestOf, ValueOf, vaultToKernel } from "./abi/messages.ts";
import type { Case } from "./records.ts";
import type { Store } from "./store.ts";

/** Whether a case may hold these entries as well (CASE_TABLE_BYTES_MAX, counted as they are stored). */
export function hasRoom(record: Pick<Case, "table_bytes">, sealed: readonly string[]): boolean {
  return record.table_bytes + bytesOf(sealed) <= CASE_TABLE_BYTES_MAX;
}

/** Adds sealed entries to a case, inside a transaction. */
export function addEntries(store: Store, record: Case, sealed: readonly string[]): void {
  for (const [place, entry] of sealed.entries()) store.caseTables.put([record.case, record.entries + place], entry);
  const table_bytes = record.table_bytes + bytesOf(sealed);
  store.cases.put(record.case, { ...record, entries: record.entries + sealed.length, table_bytes });
}

function bytesOf(sealed: readonly string[]): number {
  return sealed.reduce((sum, entry) => sum + entry.length, 0);
}

/** Everything the vault sealed for a case, in the order it came. */
export function sealedOf(store: Store, id: string): string[] {
  return store.caseTables.under([id]).map(({ value }) => value);
}

/** `vault -> kernel: table`: the case of a follow-up of this frontend. */
export function tableOf(
  store: Store,
  { frontend, case: id }: RequestOf<typeof vaultToKernel, "table">,
): End<ValueOf<typeof vaultToKernel, "table">> {
  const record = store.cases.get(id);
  if (record?.frontend !== frontend) return refused("CASE_UNKNOWN");
  return done({ customer: record.customer, subject: record.subject, sealed: sealedOf(store, id) });
}
