/**
 * `ingress -> vault: submit`: a frontend's submission becomes a task of tokens.
 *
 * Threat: a submission names a customer or a case that is not its own, carries personal values in its text, or is sent twice.
 * Contract: the kernel gets the customer as token and subject, the idempotency key as a keyed digest, fields and text tokenised, and what
 * the vault must remember sealed. The same
 * submission under the same key is one task; the case a repetition would have opened is destroyed again. A case key is durable before
 * the kernel hears of the case.
 * Failure: refused with a code for the frontend, or *later*; then no case of this submission stays open. Only when the kernel may have
 * accepted without the answer arriving is it asked until it answers.
 */
import { FIELD_CHARS_MAX, TEXT_CHARS_MAX } from "../../kernel/abi/bounds.ts";
import { done, type End, later, refused } from "../../kernel/abi/ends.ts";
import { newId, randomText } from "../../kernel/abi/ids.ts";
import type { ingressToVault, RequestOf, ValueOf, vaultToKernel } from "../../kernel/abi/messages.ts";
import { type Cases, loadInto, type OpenCase } from "./cases.ts";
import { HYDRATED_CHARS_MAX } from "./hydrate.ts";
import { type Asking, learnCustomer } from "./known-customer.ts";
import type { Master } from "./master.ts";
import { sweep } from "./sweep.ts";
import { type Draft, newDraft, TableFull } from "./table.ts";
import { tokeniseFields } from "./tokenise.ts";

export type Submitting = Asking & { cases: Cases; master: Master };

type Submission = RequestOf<typeof ingressToVault, "submit">;
type Submitted = ValueOf<typeof ingressToVault, "submit">;
type Body = RequestOf<typeof vaultToKernel, "submit">;
type Content = Pick<Body, "fields" | "text">;

/** Random characters of a customer token. */
const TOKEN_CHARS = 8;
/** Pause before the kernel is asked again whether it took a submission. */
const AGAIN_MS = 200;

export async function submit(submitting: Submitting, submission: Submission): Promise<End<Submitted>> {
  try {
    return await (submission.case === null
      ? opening(submitting, submission)
      : following(submitting, submission, submission.case));
  } catch (error) {
    if (isDiskFull(error)) return later("The disk is full; no new case can be opened.");
    if (!(error instanceof TableFull)) throw error;
    return refused("CASE_TABLE_FULL");
  }
}

/** A new case. It stays open only when the kernel has taken it. */
async function opening(submitting: Submitting, submission: Submission): Promise<End<Submitted>> {
  const { cases, random } = submitting;
  const open = await cases.create(newId("case", random));
  let taken = false;
  try {
    if (submission.customer !== null) {
      open.table.setCustomer({ token: `tok_${randomText(TOKEN_CHARS, random)}`, id: submission.customer });
    }
    const end = await send(submitting, submission, open, true);
    taken = end.end === "done" && end.value.case === open.id;
    return taken && end.end === "done" ? done({ ...end.value, duplicate: false }) : end;
  } finally {
    if (!taken) await cases.destroy(open.id);
    cases.release(open);
  }
}

/** A follow-up in the case of an earlier task of this frontend, and of the same customer. */
async function following(submitting: Submitting, submission: Submission, id: string): Promise<End<Submitted>> {
  const { cases, kernel } = submitting;
  const open = cases.hold(id); // before the kernel is asked, so that nothing newer is missed
  if (open === undefined) return refused("CASE_UNKNOWN");
  try {
    const found = await kernel.request("table", { frontend: submission.frontend, case: id });
    if (found.end === "lost") return later("kernel did not answer.");
    if (found.end !== "done") return found;
    const loaded = loadInto(open, found.value.sealed);
    if (loaded.end !== "done") return loaded;
    const { customer } = open.table;
    if (customer?.token !== (found.value.customer ?? undefined)) return refused("CONFLICT");
    if (submission.customer !== null && submission.customer !== customer?.id)
      return refused("CASE_UNKNOWN", "The case belongs to another customer.");
    return await send(submitting, submission, open, false);
  } finally {
    cases.release(open);
  }
}

/** Tokenises and hands to the kernel. */
async function send(
  submitting: Submitting,
  submission: Submission,
  open: OpenCase,
  opens: boolean,
): Promise<End<Submitted>> {
  const draft = newDraft();
  const { customer } = open.table;
  if (customer !== null) {
    const learned = await learnCustomer(submitting, open, customer.id, draft);
    if (learned.end !== "done") return learned;
  }
  const content = tokenised(submission, open, draft);
  if (content === null) return refused("TOO_LARGE", "Fields or text are too large with tokens where values stand.");
  const kept = open.sealDelta(draft);
  const end = await sendUntilAnswered(submitting, {
    ...content,
    frontend: submission.frontend,
    idempotency: submitting.master.idempotency(submission.idempotency),
    request: requestDigest(submitting.master, submission),
    kind: submission.kind,
    case: open.id,
    opens,
    customer: customer?.token ?? null,
    subject: customer === null ? null : submitting.master.subject(customer.id),
    sealed: kept === null ? [] : [kept.sealed],
  });
  if (end.end === "done" && !end.value.duplicate) open.accepted(kept);
  return end;
}

function tokenised({ fields, text }: Content, open: OpenCase, draft: Draft): Content | null {
  const content = { fields: tokeniseFields(fields, open.table, draft), text: sweep(text, open.table, draft) };
  const sizes = Object.values(content.fields).map((value) => String(value).length);
  const fits = content.text.length <= TEXT_CHARS_MAX && sizes.every((size) => size <= FIELD_CHARS_MAX);
  return fits && sizes.reduce((sum, size) => sum + size, content.text.length) <= HYDRATED_CHARS_MAX ? content : null;
}

function requestDigest(master: Master, { kind, customer, case: id, fields, text }: Submission): string {
  return master.request({ kind, customer, case: id, fields, text });
}

/** A lost submission may have been accepted: the same one is sent until the kernel says what became of it. */
async function sendUntilAnswered({ kernel, clock }: Submitting, body: Body): Promise<End<Submitted>> {
  let lost = false;
  for (;;) {
    const end = await kernel.request("submit", body);
    if (end.end === "done" || end.end === "refused" || (end.end === "later" && !lost)) return end;
    lost = true;
    await clock.sleep(AGAIN_MS);
  }
}

function isDiskFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT";
}
