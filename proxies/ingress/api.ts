/** What crosses between a frontend and ingress, as schemas. The OpenAPI description is made from these. */
import { type Static, Type } from "typebox";
import { CaseId, DeliveryId, Name, TaskId, Time } from "../../kernel/abi/ids.ts";
import { ingressToVault, TaskState } from "../../kernel/abi/messages.ts";
import { Fields, Text } from "../../kernel/abi/shapes.ts";

function object<const P extends Parameters<typeof Type.Object>[0]>(properties: P, description: string) {
  return Type.Object(properties, { additionalProperties: false, description });
}

const Ended = Type.Union([Type.Literal("Completed"), Type.Literal("Failed")]);
const { customer: Customer } = ingressToVault.submit.request.properties;

export const Submission = object(
  {
    kind: Name,
    customer: Type.Optional(Customer),
    /** A follow-up: a new task in the case of an earlier one. */
    case: Type.Optional(Type.Union([CaseId, Type.Null()])),
    fields: Type.Optional(Fields),
    text: Type.Optional(Text),
  },
  "A task to be done. With `case` it is a follow-up in the case of an earlier task.",
);
export type Submission = Static<typeof Submission>;

export const Accepted = object(
  { task: TaskId, case: CaseId, duplicate: Type.Boolean() },
  "The task is stored. `duplicate`: this Idempotency-Key had sent it before.",
);

export const Answered = object({ text: Text, fields: Fields }, "What the task ended with.");

export const Task = object(
  {
    task: TaskId,
    case: CaseId,
    kind: Name,
    state: TaskState,
    role: Type.Union([Name, Type.Null()]),
    event: Type.Union([Ended, Type.Null()]),
    created: Time,
    updated: Time,
    answer: Type.Optional(Type.Union([Answered, Type.Literal("pending")])),
  },
  "Where a task is. `answer` is there when it has ended; `pending` means that its answer is on the way: ask again.",
);

export const Problem = object(
  { code: Type.String({ pattern: "^[A-Z][A-Z0-9_]{2,40}$" }), message: Type.String() },
  "Why not. `code` is stable; LATER means that the same request may be sent again.",
);

export const Delivery = object(
  { delivery: DeliveryId, task: TaskId, case: CaseId, kind: Name, event: Ended, text: Text, fields: Fields },
  "The answer of a task, sent over the WebSocket until it is acknowledged: possibly more than once, always with the same id.",
);

export const Greeting = object(
  { api_key: Type.String({ maxLength: 256 }) },
  "The first message of a frontend that cannot set the header Authorization.",
);

export const Receipt = object({ ack: DeliveryId }, "The frontend has this delivery and will not be sent it again.");
