/** Every request of a frontend, from its path to its answer. */
import { type later, type Refused, refused } from "../../kernel/abi/ends.ts";
import type { Json } from "../../kernel/abi/json.ts";
import type { ingressToKernel, ingressToVault } from "../../kernel/abi/messages.ts";
import type { Settings } from "../../kernel/abi/settings.ts";
import type { Client, Lost } from "../../kernel/process/connect.ts";
import type { Exchange } from "../../kernel/process/http.ts";
import type { Answers } from "./answers.ts";
import { bearerOf, type Frontends } from "./frontends.ts";
import { openApi } from "./openapi.ts";
import type { Rate } from "./rate.ts";
import { readState } from "./state.ts";
import { statusOf } from "./statuses.ts";
import { readSubmission } from "./submission.ts";

/** The vault has submitted within so long, or the frontend is asked to send again under its idempotency key. */
const SUBMIT_MS = 20_000;
const RETRY_AFTER_SECONDS = 1;
const TASK_PATH = /^\/v1\/tasks\/(task_[0-9a-z]{16})$/;

export type Ingress = {
  vault: Client<typeof ingressToVault>;
  kernel: Client<typeof ingressToKernel>;
  frontends: Frontends;
  answers: Answers;
  rate: Rate;
  settings: Settings;
};

type Reply = { status: number; body: Json; headers?: Readonly<Record<string, string>> };

/** Answers one request. */
export async function serve(ingress: Ingress, exchange: Exchange): Promise<void> {
  const { status, body, headers } = await reply(ingress, exchange);
  exchange.answer(status, body, headers);
}

async function reply(ingress: Ingress, exchange: Exchange): Promise<Reply> {
  if (exchange.fault !== undefined) return refusal(exchange.fault);
  if (exchange.path === "/v1/openapi.json") return { status: 200, body: openApi() };
  const frontend = ingress.frontends.identify(bearerOf(exchange.header("authorization")));
  if (frontend.end !== "done") return frontend.end === "refused" ? refusal(frontend) : notNow(frontend);
  if (!ingress.rate.admit(frontend.value)) return tooMany;
  const task = TASK_PATH.exec(exchange.path)?.[1];
  if (task !== undefined) return only(exchange, "GET", () => show(ingress, exchange, frontend.value, task));
  if (exchange.path === "/v1/tasks") return only(exchange, "POST", () => submit(ingress, exchange, frontend.value));
  return refusal(refused(exchange.path.startsWith("/v1/tasks/") ? "TASK_UNKNOWN" : "UNKNOWN_PATH"));
}

async function only(exchange: Exchange, method: string, work: () => Promise<Reply>): Promise<Reply> {
  if (exchange.method === method) return work();
  const body = { code: "MALFORMED", message: `This path takes ${method}.` };
  return { status: 405, body, headers: { Allow: method } };
}

async function submit(ingress: Ingress, exchange: Exchange, frontend: string): Promise<Reply> {
  const body = await exchange.body();
  if (body.end !== "done") return body.end === "refused" ? refusal(body) : notNow(body);
  const submission = readSubmission(ingress.settings, frontend, exchange.header("idempotency-key"), body.value);
  if (submission.end !== "done") return submission.end === "refused" ? refusal(submission) : notNow(submission);
  const end = await ingress.vault.request("submit", submission.value, SUBMIT_MS);
  if (end.end === "refused") return refusal(end);
  return end.end === "done" ? { status: 202, body: end.value } : notNow(end);
}

async function show(ingress: Ingress, exchange: Exchange, frontend: string, task: string): Promise<Reply> {
  const end = await readState(ingress.kernel, ingress.answers, frontend, task, () => exchange.isOpen);
  if (end.end === "refused") return refusal(end);
  return end.end === "done" ? { status: 200, body: end.value } : notNow(end);
}

function refusal(end: Refused): Reply {
  return { status: statusOf(end), body: { code: end.code, message: end.message } };
}

/** Later and lost are one to a frontend: it sends the same again, and the idempotency key makes it one task. */
function notNow(end: ReturnType<typeof later> | Lost): Reply {
  const reason = end.end === "later" ? end.message : "No answer came.";
  return {
    status: 503,
    body: { code: "LATER", message: `${reason} Send the same request again.` },
    headers: { "Retry-After": String(RETRY_AFTER_SECONDS) },
  };
}

const tooMany: Reply = {
  status: 429,
  body: { code: "LATER", message: "Too many requests a second. Send the same request again." },
  headers: { "Retry-After": String(RETRY_AFTER_SECONDS) },
};
