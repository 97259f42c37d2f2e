/**
 * The audit log: entries in the order they were decided, each in the transaction that decided it.
 *
 * Threat: something happens unlogged, or personal data reaches a log that is kept for ever and exported.
 * Contract: `append` writes the canonical JSON of an entry that is as its verb wants it (no field takes free text) at the next index, with
 * its leaf hash as in RFC 6962: SHA-256(0x00 || entry).
 * Failure: an entry that does not match throws, and with it the decision it belongs to.
 */
import { hash } from "node:crypto";
import type { TSchema } from "typebox";
import { ENTRY_BYTES_MAX } from "../abi/bounds.ts";
import type { AuditLine } from "../abi/console-messages.ts";
import { type Entry, entrySchema, type Verb, verbs } from "../abi/entry.ts";
import { canonical, type Json } from "../abi/json.ts";
import { type Check, compile } from "../process/schema.ts";
import type { LogRecord } from "../records.ts";
import type { Store } from "../store.ts";

export type LogStore = Pick<Store, "audit" | "auditByTask">;

/** Each compiled when its first entry comes. */
const checks = new Map<Verb, Check<TSchema>>();

function checkOf(verb: Verb): Check<TSchema> {
  if (!verbs.includes(verb)) throw new Error("The audit entry: its verb is not on the list.");
  const check = checks.get(verb) ?? compile(entrySchema(verb));
  checks.set(verb, check);
  return check;
}

/** Appends inside a transaction and returns the entry's index. Throws when it is no entry. */
export function append(store: LogStore, entry: Entry): number {
  const checked = checkOf(entry.verb)(entry);
  if (!checked.ok) throw new Error(`The audit entry: ${checked.why}`);
  const text = canonical(entry as unknown as Json);
  const bytes = Buffer.byteLength(text);
  if (bytes > ENTRY_BYTES_MAX) throw new Error(`The audit entry: ${bytes} bytes are more than ${ENTRY_BYTES_MAX}.`);
  const index = logSize(store);
  store.audit.put(index, { entry: text, leaf: leafHash(text) });
  if (entry.task !== undefined) store.auditByTask.put([entry.task, index], true);
  return index;
}

/** How many entries there are. */
export function logSize(store: Pick<Store, "audit">): number {
  return ((store.audit.last() as number | undefined) ?? -1) + 1;
}

/** Time of the last entry (ms), or 0. */
export function lastTime(store: LogStore): number {
  const last = store.audit.get(logSize(store) - 1);
  return last === undefined ? 0 : (JSON.parse(last.entry) as Entry).time;
}

/** RFC 6962, section 2.1, of the entry's UTF-8 bytes; lower-case hex. */
export function leafHash(entry: string): string {
  return hash("sha256", `\0${entry}`);
}

/** Entries that are handed out at once, in characters: they fit into a frame. */
const PAGE_CHARS_MAX = 2 * 1024 * 1024;

/** At most `limit` entries from index `from`, of one task or of all; `next` is where to go on, null at the end. */
export function readLog(
  store: LogStore,
  query: { task: string | null; from: number; limit: number },
): { entries: AuditLine[]; next: number | null } {
  const indexes = query.task === null ? indexesOfAll(store, query) : indexesOfTask(store, query.task, query);
  const entries: AuditLine[] = [];
  let chars = 0;
  for (const index of indexes) {
    const { entry, leaf } = recordAt(store, index);
    chars += entry.length;
    if (entries.length === query.limit || (chars > PAGE_CHARS_MAX && entries.length > 0))
      return { entries, next: index };
    entries.push({ index, leaf, entry: JSON.parse(entry) });
  }
  return { entries, next: null };
}

function indexesOfAll(store: LogStore, { from, limit }: { from: number; limit: number }): number[] {
  const count = Math.max(0, Math.min(logSize(store) - from, limit + 1));
  return Array.from({ length: count }, (_, place) => from + place);
}

function indexesOfTask(store: LogStore, task: string, { from, limit }: { from: number; limit: number }): number[] {
  const rows = store.auditByTask.between([task, from], [task, Number.MAX_SAFE_INTEGER], { limit: limit + 1 });
  return rows.map(({ key }) => (key as [string, number])[1]);
}

function recordAt(store: LogStore, index: number): LogRecord {
  const record = store.audit.get(index);
  if (record === undefined) throw new Error(`The audit entry ${index} is missing.`);
  return record;
}
