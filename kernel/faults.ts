/** What must be true of the store between any two transactions. For tests and for whoever doubts a disk: reads everything. */
import { canonical, type Json } from "./abi/json.ts";
import { leafHash } from "./audit/log.ts";
import type { Store } from "./store.ts";

/** Violated invariants, each a sentence. Empty: the store is sound. */
export function storeFaults(store: Store): string[] {
  return [
    ...stateFaults(store),
    ...queueFaults(store),
    ...leaseFaults(store),
    ...journalFaults(store),
    ...ledgerFaults(store),
    ...caseFaults(store),
    ...shadowFaults(store),
    ...logFaults(store),
  ];
}

const states = ["ready", "leases", "waiting", "ended"] as const;

function stateFaults(store: Store): string[] {
  const tasks = store.tasks.all().map(({ key, value }) => ({ id: key as string, task: value }));
  const places = tasks
    .map(({ id }) => ({ id, where: states.filter((state) => store[state].has(id)) }))
    .filter(({ where }) => where.length !== 1)
    .map(({ id, where }) => `The task ${id} is in ${where.length} states (${where.join(", ")}).`);
  const records = states.flatMap((state) =>
    store[state]
      .all()
      .filter(({ key, value }) => store.tasks.get(key)?.assignment !== value.assignment)
      .map(({ key }) => `The record ${state}/${String(key)} is not of its task's assignment.`),
  );
  const assignments = tasks
    .filter(({ id, task }) => store.assignments.get(task.assignment)?.task !== id || !store.submissions.has(id))
    .map(({ id }) => `The task ${id} lacks its assignment or its submission.`);
  return [...places, ...records, ...assignments];
}

function queueFaults(store: Store): string[] {
  const due = store.due.all().map(({ key, value }) => ({ key: key as [string, number, string], assignment: value }));
  const strays = due
    .filter(({ key: [role, at, task], assignment }) => {
      const ready = store.ready.get(task);
      const sameRole = store.assignments.get(assignment)?.role === role;
      return ready?.assignment !== assignment || ready.due !== at || !sameRole;
    })
    .map(({ key }) => `The queue's ${key.join("/")} is not of a ready task.`);
  if (due.length !== store.ready.count())
    strays.push(`${store.ready.count()} ready tasks, ${due.length} in the queue.`);
  const answers = store.outbox.all().filter(({ key }) => !store.ended.has(key));
  return [...strays, ...answers.map(({ key }) => `The answer of ${String(key)} is out before its end.`)];
}

function leaseFaults(store: Store): string[] {
  const leases = store.leases.all().map(({ value }) => value);
  const faults = leases
    .filter((lease) => store.assignments.get(lease.assignment)?.epoch !== lease.epoch)
    .map((lease) => `The lease of ${lease.cell} is not of the highest epoch.`);
  for (const part of ["cell", "slot"] as const) {
    if (new Set(leases.map((lease) => lease[part])).size !== leases.length) faults.push(`Two leases have one ${part}.`);
  }
  return faults;
}

function journalFaults(store: Store): string[] {
  const journal = store.journal.all();
  const open = store.open.all();
  const unmarked = journal
    .filter(({ key, value }) => (value.effect === "write" && value.outcome === null) !== store.open.has(key))
    .map(({ key }) => `The step ${String(key)} is open or not, and not marked so.`);
  const stranded = open
    .filter(({ key, value }) => !mayBeOpen(store, value, (key as [string, number])[0]))
    .map(({ key }) => `The open step ${String(key)} belongs to nobody who will decide it.`);
  const missing = open
    .filter(({ key }) => !store.journal.has(key))
    .map(({ key }) => `The step ${String(key)} is gone.`);
  return [...unmarked, ...stranded, ...missing];
}

/** An open effect is in the hands of an attempt, of the next one, or of a decision. */
function mayBeOpen(store: Store, task: string, assignment: string): boolean {
  if (store.tasks.get(task)?.assignment !== assignment) return false;
  const waiting = store.waiting.get(task);
  return store.ready.has(task) || store.leases.has(task) || waiting?.for === "decision";
}

function ledgerFaults(store: Store): string[] {
  const sums = new Map<string, number>();
  for (const { value } of store.journal.all()) {
    for (const { key, amount } of value.reserved) {
      const name = canonical(key as Json);
      sums.set(name, (sums.get(name) ?? 0) + amount);
    }
  }
  const totals = store.ledger.all();
  const wrong = totals
    .filter(({ key, value }) => value !== (sums.get(canonical(key as Json)) ?? 0))
    .map(({ key }) => `The total ${String(key)} is not the sum of its reservations.`);
  const missing = [...sums.keys()].filter((name) => !store.ledger.has(JSON.parse(name)));
  return [...wrong, ...missing.map((name) => `The total ${name} is missing.`)];
}

function caseFaults(store: Store): string[] {
  const counts = store.cases.all().filter(({ key, value }) => {
    const entries = store.caseTables.under([key as string]).map((row) => row.value.length);
    return entries.length !== value.entries || entries.reduce((sum, bytes) => sum + bytes, 0) !== value.table_bytes;
  });
  const named = store.idempotency.all().map(({ value }) => value.task);
  const faults = counts.map(({ key }) => `The case ${String(key)} miscounts its table.`);
  if (new Set(named).size !== named.length || named.some((task) => !store.tasks.has(task)))
    faults.push("Submissions and tasks do not match.");
  return faults;
}

function shadowFaults(store: Store): string[] {
  const due = store.shadowsDue.all().map(({ key, value }) => ({ key: key as [string, number, string], beside: value }));
  const strays = due
    .filter(({ key: [role, at, task], beside }) => {
      const shadow = store.shadows.get(task);
      return shadow?.state !== "due" || shadow.role !== role || shadow.due !== at || shadow.beside !== beside;
    })
    .map(({ key }) => `The shadow ${key.join("/")} is not due.`);
  const waiting = store.shadows.all().filter(({ value }) => value.state === "due");
  return waiting.length === due.length ? strays : [...strays, "A shadow is due and never picked."];
}

function logFaults(store: Store): string[] {
  const entries = store.audit.all();
  return entries
    .filter(({ key, value }, index) => key !== index || leafHash(value.entry) !== value.leaf)
    .map(({ key }) => `The audit entry ${String(key)} is out of place or altered.`);
}
