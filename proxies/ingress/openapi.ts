/** The description of this interface (OpenAPI 3.1), from the schemas that are enforced. */
import { type TSchema, Type } from "typebox";
import { SUBMISSION_BYTES_MAX } from "../../kernel/abi/bounds.ts";
import { DeliveryId, TaskId } from "../../kernel/abi/ids.ts";
import type { Json } from "../../kernel/abi/json.ts";
import { Fields, ingressToKernel, ingressToVault, Text } from "../../kernel/abi/messages.ts";
import { refusalCodes } from "../../kernel/abi/refusals.ts";
import { Submission } from "./submission.ts";

const Problem = Type.Object({
  code: Type.String({ enum: [...Object.keys(refusalCodes), "LATER"] }),
  message: Type.String(),
});

const AnswerBody = Type.Object({ text: Text, fields: Fields });

const State = Type.Object({
  ...ingressToKernel.state.value.properties,
  answer: Type.Optional(Type.Union([AnswerBody, Type.Literal("pending")])),
});

/** What a session of `/v1/answers` is sent; it sends `{"ack": delivery}` back. */
const Delivered = Type.Object({ delivery: DeliveryId, task: TaskId, text: Text, fields: Fields });

/** The whole document. */
export function openApi(): Json {
  return plain({
    openapi: "3.1.0",
    info: {
      title: "SiloOS ingress",
      version: "1",
      description:
        "Tasks in, answers out. Values of customers travel here alone; nothing behind this interface sees them.",
    },
    security: [{ apiKey: [] }],
    components: {
      securitySchemes: { apiKey: { type: "http", scheme: "bearer", description: "The API key of a frontend." } },
      schemas: { Submission, State, Problem, Delivered },
    },
    paths: {
      "/v1/tasks": { post: postTask },
      "/v1/tasks/{task}": { get: getTask },
      "/v1/answers": { get: getAnswers },
      "/v1/openapi.json": { get: getDescription },
    },
  });
}

const problems = (...statuses: number[]) =>
  Object.fromEntries(statuses.map((status) => [status, response("A refusal, or not now.", Problem)]));

const postTask = {
  summary: "Send a task, or a follow-up in the case of an earlier one",
  description: `202 only after the task is durable. The body is at most ${SUBMISSION_BYTES_MAX} bytes.`,
  parameters: [
    {
      name: "Idempotency-Key",
      in: "header",
      required: true,
      description: "The same key of the same frontend is one task, however often it is sent.",
      schema: { type: "string", minLength: 1, maxLength: 128 },
    },
  ],
  requestBody: { required: true, content: json(Submission) },
  responses: {
    202: response("The task is stored and will end.", ingressToVault.submit.value),
    ...problems(400, 401, 403, 404, 409, 413, 422, 429, 503),
  },
};

const getTask = {
  summary: "Where a task is, and its answer when it has ended",
  parameters: [{ name: "task", in: "path", required: true, schema: TaskId }],
  responses: { 200: response("The state of a task of this frontend.", State), ...problems(401, 404, 429, 503) },
};

const getAnswers = {
  summary: "Answers as they come (WebSocket)",
  description:
    'Show the API key in the Authorization header, or send {"api_key": "…"} first. Each answer comes with its delivery id; ' +
    'send {"ack": "…"} when you have stored it. Until then it comes again under the same id.',
  responses: { 101: response("The messages this connection then carries.", Delivered) },
};

const getDescription = {
  summary: "This description",
  security: [],
  responses: { 200: { description: "OpenAPI 3.1" } },
};

function json(schema: TSchema) {
  return { "application/json": { schema } };
}

function response(description: string, schema: TSchema) {
  return { description, content: json(schema) };
}

/** Schemas carry marks of their own that JSON does not have. */
function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
