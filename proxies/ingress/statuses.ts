/** How a refusal looks to a frontend: which HTTP status (RFC 9110) a code has. Codes that are not here are 422. */
import type { Refused } from "../../kernel/abi/ends.ts";
import type { RefusalCode } from "../../kernel/abi/refusals.ts";

const statuses: { readonly [code in RefusalCode]?: number } = {
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

export function statusOf({ code }: Pick<Refused, "code">): number {
  return statuses[code] ?? 422;
}
