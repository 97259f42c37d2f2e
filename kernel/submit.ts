/**
 * A task comes in: `vault -> kernel: submit`.
 *
 * Contract: one submission of a frontend is one task, however often it is sent; what was answered is stored. A frontend sends only the
 * kinds it may send and reaches only its own cases.
 * Failure: refused; nothing is stored.
 */
import { done, type End, type Refused, refused } from "./abi/ends.ts";
import { newId } from "./abi/ids.ts";
import { digest } from "./abi/json.ts";
import type { RequestOf, ValueOf, vaultToKernel } from "./abi/messages.ts";
import { assign } from "./assign.ts";
import { addEntries, hasRoom } from "./cases.ts";
import { type Core, note } from "./core.ts";
import type { Case } from "./records.ts";
import { type Next, route } from "./route.ts";

type Submit = RequestOf<typeof vaultToKernel, "submit">;
type Submitted = ValueOf<typeof vaultToKernel, "submit">;

/** Decides a submission inside a transaction. */
export function submit(core: Core, body: Submit): End<Submitted> {
  const known = core.store.idempotency.get([body.frontend, body.idempotency]);
  if (known !== undefined && known.request !== body.request) return refused("IDEMPOTENCY_CONFLICT");
  if (known !== undefined) return done({ task: known.task, case: known.case, duplicate: true });
  const kind = kindRefusal(core, body);
  if (kind !== null) return kind;
  const found = caseOf(core, body);
  if (found.end !== "done") return found;
  if (!hasRoom(found.value, body.sealed)) return refused("CASE_TABLE_FULL");
  const first = firstRole(core, body.kind);
  if (first === null) return refused("KIND_UNKNOWN");
  return done(accept(core, body, found.value, first));
}

function kindRefusal({ settings }: Core, { frontend, kind, customer }: Submit): Refused | null {
  const declared = Object.hasOwn(settings.kinds, kind) ? settings.kinds[kind] : undefined;
  if (declared === undefined) return refused("KIND_UNKNOWN");
  const sender = Object.hasOwn(settings.frontends, frontend) ? settings.frontends[frontend] : undefined;
  if (!sender?.kinds.includes(kind)) return refused("KIND_NOT_ALLOWED");
  return declared.customer === "required" && customer === null ? refused("CUSTOMER_MISSING") : null;
}

/** The case of a follow-up, or the one the vault made for this submission. */
function caseOf(core: Core, body: Submit): End<Case> {
  const known = core.store.cases.get(body.case);
  if (!body.opens) {
    const same =
      known?.frontend === body.frontend && known.customer === body.customer && known.subject === body.subject;
    return same ? done(known) : refused("CASE_UNKNOWN");
  }
  if (known !== undefined) return refused("CASE_UNKNOWN", "A case of that id is open already.");
  const { frontend, customer, subject } = body;
  return done({ case: body.case, frontend, customer, subject, opened: core.now(), entries: 0, table_bytes: 0 });
}

function firstRole(core: Core, kind: string): First | null {
  const facts = { kind, from: null, reason: null, hops: 0, online: core.roles.online, random: chance(core) };
  const next = route(core.map, "TaskCreated", facts);
  if (next === null || "end" in next) return null;
  return "to" in next ? next : { to: next.wait };
}

/** The role that gets the task, and who runs beside. */
type First = Extract<Next, { to: string }>;

/** A number in [0, 1). */
export function chance({ random }: Pick<Core, "random">): number {
  return Buffer.from(random(4)).readUInt32BE() / 2 ** 32;
}

function accept(core: Core, body: Submit, record: Case, first: First): Submitted {
  const { store } = core;
  const { kind, customer, fields, text, frontend } = body;
  const task = newId("task", core.random);
  const now = core.now();
  const event = digest({ event: "TaskCreated", kind, customer, fields, text });
  addEntries(store, record, body.sealed);
  store.idempotency.put([frontend, body.idempotency], { request: body.request, task, case: record.case });
  store.submissions.put(task, { fields, text });
  assign(core, { task, case: record.case, kind, frontend, event, hops: 0, created: now, updated: now }, first, null);
  note(core, "submit", { task, case: record.case, who: frontend, kind, role: first.to, arguments: event });
  return { task, case: record.case, duplicate: false };
}
