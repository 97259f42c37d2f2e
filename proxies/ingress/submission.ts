/**
 * `POST /v1/tasks`: a frontend's event, from its body to the vault.
 *
 * Threat: a frontend sends kinds it may not, or something that is not a submission.
 * Contract: what crosses to the vault has the declared form, one idempotency key, and a kind this frontend may send.
 * Failure: a refusal with a code and a sentence; nothing was stored.
 */
import { type Static, Type } from "typebox";
import { done, type End, refused } from "../../kernel/abi/ends.ts";
import { CaseId, Name } from "../../kernel/abi/ids.ts";
import type { Json } from "../../kernel/abi/json.ts";
import { Fields, type ingressToVault, type RequestOf, Text } from "../../kernel/abi/messages.ts";
import type { Settings } from "../../kernel/abi/settings.ts";
import { compile } from "../../kernel/process/schema.ts";

export const Submission = Type.Object(
  {
    kind: Name,
    /** The customer's id in the company's own systems. */
    customer: Type.Optional(Type.Union([Type.Null(), Type.String({ minLength: 1, maxLength: 128 })])),
    /** Makes this a follow-up in the case of an earlier task. */
    case: Type.Optional(Type.Union([Type.Null(), CaseId])),
    fields: Type.Optional(Fields),
    text: Type.Optional(Text),
  },
  { additionalProperties: false },
);

const check = compile(Submission);
/** Visible ASCII (RFC 9110 token characters and the like), 1 to 128 of them. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,128}$/;

type Submit = RequestOf<typeof ingressToVault, "submit">;

/** What `frontend` wants submitted. IDEMPOTENCY_REQUIRED, MALFORMED, KIND_UNKNOWN, KIND_NOT_ALLOWED, CUSTOMER_MISSING. */
export function readSubmission(
  settings: Pick<Settings, "kinds" | "frontends">,
  frontend: string,
  idempotency: string | undefined,
  body: Json,
): End<Submit> {
  if (idempotency === undefined) return refused("IDEMPOTENCY_REQUIRED");
  if (!IDEMPOTENCY_KEY.test(idempotency))
    return refused("MALFORMED", "The header Idempotency-Key takes 1 to 128 visible ASCII characters.");
  const checked = check(body);
  if (!checked.ok) return refused("MALFORMED", `The body: ${checked.why}.`);
  const { kind, customer = null, case: matter = null, fields = {}, text = "" } = checked.value;
  const unfit = unfitness(settings, frontend, checked.value);
  return unfit ?? done({ frontend, idempotency, kind, customer, case: matter, fields, text });
}

function unfitness(
  { kinds, frontends }: Pick<Settings, "kinds" | "frontends">,
  frontend: string,
  { kind, customer, case: matter }: Static<typeof Submission>,
) {
  const declared = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (declared === undefined) return refused("KIND_UNKNOWN", `There is no kind of task named ${kind}.`);
  if (!frontends[frontend]?.kinds.includes(kind)) return refused("KIND_NOT_ALLOWED");
  const needsCustomer = declared.customer === "required" && (matter ?? null) === null;
  return needsCustomer && (customer ?? null) === null ? refused("CUSTOMER_MISSING") : undefined;
}
