/** How an ending looks in HTTP. */
import type { End } from "../../kernel/abi/ends.ts";
import type { Json } from "../../kernel/abi/json.ts";
import type { RefusalCode } from "../../kernel/abi/refusals.ts";
import type { Lost } from "../../kernel/process/connect.ts";

export type Reply = {
  readonly status: number;
  readonly body: Json;
  readonly headers?: Readonly<Record<string, string>>;
};

/** A refusal that is not in the table is about what was sent: 422. */
const statuses: Partial<Record<RefusalCode, number>> = {
  MALFORMED: 400,
  IDEMPOTENCY_REQUIRED: 400,
  API_KEY_INVALID: 401,
  KIND_NOT_ALLOWED: 403,
  UNKNOWN_PATH: 404,
  TASK_UNKNOWN: 404,
  CASE_UNKNOWN: 404,
  IDEMPOTENCY_CONFLICT: 409,
  TOO_LARGE: 413,
};
export const REFUSED_STATUS = 422;
export const LATER = "LATER";
const RETRY_SECONDS = 1;

/** The reply to a request that ended so; `status` is that of `done`. */
export function replyOf(end: End<Json> | Lost, status: number): Reply {
  if (end.end === "done") return { status, body: end.value };
  if (end.end === "refused") {
    const headers = end.code === "API_KEY_INVALID" ? { "WWW-Authenticate": "Bearer" } : {};
    return { status: statuses[end.code] ?? REFUSED_STATUS, body: { code: end.code, message: end.message }, headers };
  }
  return laterReply(503, end.end === "later" ? end.message : "No answer came; send the same request again.");
}

export function laterReply(status: 429 | 503, message: string): Reply {
  return { status, body: { code: LATER, message }, headers: { "Retry-After": String(RETRY_SECONDS) } };
}
