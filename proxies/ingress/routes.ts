/** Every path of ingress, once: requests are routed by this table, and the OpenAPI description is made from it. */
import type { TSchema } from "typebox";
import type { Exchange } from "../../kernel/process/http.ts";
import { Accepted, Problem, Submission, Task } from "./api.ts";
import type { Ingress } from "./ingress.ts";
import type { Reply } from "./reply.ts";
import { submit } from "./submit.ts";
import { showTask } from "./task.ts";

/** `parameter`: what stands in the place of `{…}` in the path. */
type Handle = (ingress: Ingress, frontend: string, exchange: Exchange, parameter: string) => Promise<Reply>;

export type Route = {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly summary: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: TSchema | null;
  readonly replies: Readonly<Record<number, { description: string; schema: TSchema }>>;
  readonly handle: Handle;
};

const problem = (description: string) => ({ description, schema: Problem });

const always = {
  401: problem("API_KEY_INVALID: send Authorization: Bearer KEY."),
  429: problem("LATER: more requests a second than one frontend may send."),
  503: problem("LATER: send the same request again."),
};

export const routes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/tasks",
    summary: "Send a task in. It is stored when this is answered 202.",
    headers: { "Idempotency-Key": "1 to 128 visible ASCII characters. The same key with the same body is one task." },
    body: Submission,
    replies: {
      202: { description: "The task is stored.", schema: Accepted },
      400: problem("MALFORMED, IDEMPOTENCY_REQUIRED."),
      403: problem("KIND_NOT_ALLOWED."),
      404: problem("CASE_UNKNOWN."),
      409: problem("IDEMPOTENCY_CONFLICT: the key was used for another body."),
      413: problem("TOO_LARGE."),
      422: problem("KIND_UNKNOWN, CUSTOMER_MISSING, CUSTOMER_UNKNOWN and others about what was sent."),
      ...always,
    },
    handle: submit,
  },
  {
    method: "GET",
    path: "/v1/tasks/{task}",
    summary: "Where a task of this frontend is, and its answer when it has ended.",
    headers: {},
    body: null,
    replies: {
      200: { description: "The task.", schema: Task },
      400: problem("MALFORMED."),
      404: problem("TASK_UNKNOWN: no such task of this frontend."),
      ...always,
    },
    handle: showTask,
  },
];

/** The route of a path (each has one method) and what stands for its parameter; undefined when there is none. */
export function findRoute(path: string): { route: Route; parameter: string } | undefined {
  for (const route of routes) {
    const [fixed = "", parameter] = route.path.split("{");
    if (!path.startsWith(fixed)) continue;
    const rest = path.slice(fixed.length);
    if (parameter === undefined ? rest === "" : rest !== "" && !rest.includes("/")) return { route, parameter: rest };
  }
  return undefined;
}
