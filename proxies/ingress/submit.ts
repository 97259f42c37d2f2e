/** `POST /v1/tasks`: a task in. Answered when it is stored. */
import { done, type End, refused } from "../../kernel/abi/ends.ts";
import type { ingressToVault, RequestOf } from "../../kernel/abi/messages.ts";
import type { Settings } from "../../kernel/abi/settings.ts";
import { type Exchange, readAs } from "../../kernel/process/http.ts";
import { compile } from "../../kernel/process/schema.ts";
import { Submission } from "./api.ts";
import type { Ingress } from "./ingress.ts";
import { type Reply, replyOf } from "./reply.ts";

type Submit = RequestOf<typeof ingressToVault, "submit">;

/** The vault looks the customer up, tokenises and has it stored; a longer silence is later. */
const SUBMIT_MS = 20_000;
const ACCEPTED = 202;
/** Visible ASCII: the same text for every reader. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,128}$/;

const checkSubmission = compile(Submission);

export async function submit(ingress: Ingress, frontend: string, exchange: Exchange): Promise<Reply> {
  const read = await readSubmission(exchange, frontend);
  const allowed = read.end === "done" ? admitKind(ingress.settings, read.value) : read;
  if (allowed.end !== "done") return replyOf(allowed, ACCEPTED);
  return replyOf(await ingress.vault.request("submit", allowed.value, SUBMIT_MS), ACCEPTED);
}

async function readSubmission(exchange: Exchange, frontend: string): Promise<End<Submit>> {
  const idempotency = exchange.header("idempotency-key");
  if (idempotency === undefined || idempotency === "") return refused("IDEMPOTENCY_REQUIRED");
  if (!IDEMPOTENCY_KEY.test(idempotency))
    return refused("MALFORMED", "The header Idempotency-Key takes 1 to 128 visible ASCII characters.");
  const body = await readAs(exchange, checkSubmission);
  if (body.end !== "done") return body;
  const { kind, customer = null, case: of = null, fields = {}, text = "" } = body.value;
  return done({ frontend, idempotency, kind, customer, case: of, fields, text });
}

/** KIND_UNKNOWN, KIND_NOT_ALLOWED, CUSTOMER_MISSING. The kernel checks the same from its own records. */
function admitKind({ kinds, frontends }: Pick<Settings, "kinds" | "frontends">, submission: Submit): End<Submit> {
  const { frontend, kind, customer, case: of } = submission;
  if (!Object.hasOwn(kinds, kind)) return refused("KIND_UNKNOWN");
  if (!Object.hasOwn(frontends, frontend) || !frontends[frontend]?.kinds.includes(kind))
    return refused("KIND_NOT_ALLOWED");
  if (kinds[kind]?.customer === "required" && customer === null && of === null) return refused("CUSTOMER_MISSING");
  return done(submission);
}
