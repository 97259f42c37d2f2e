/** `GET /v1/openapi.json`: the description of what ingress takes, OpenAPI 3.1, made from the schemas that check it. */
import type { TSchema } from "typebox";
import type { Json, JsonObject } from "../../kernel/abi/json.ts";
import { Accepted, Answered, Delivery, Greeting, Problem, Receipt, Submission, Task } from "./api.ts";
import { type Route, routes } from "./routes.ts";

export const OPENAPI_PATH = "/v1/openapi.json";
export const ANSWERS_PATH = "/v1/answers";

const schemas = { Submission, Accepted, Task, Answered, Problem, Delivery, Greeting, Receipt };

export function describeApi(): JsonObject {
  const paths: Record<string, JsonObject> = { [ANSWERS_PATH]: { get: answersOperation } };
  for (const route of routes)
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  return {
    openapi: "3.1.0",
    info: { title: "SiloOS ingress", version: "1", description: "Tasks in, answers out." },
    security: [{ key: [] }],
    paths,
    components: {
      securitySchemes: { key: { type: "http", scheme: "bearer", description: "The API key of the frontend." } },
      schemas: Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, plain(schema)])),
    },
  };
}

const answersOperation: JsonObject = {
  summary: "A WebSocket on which answers are sent until they are acknowledged.",
  description:
    "The key comes in the header Authorization, or as the first message (Greeting). Each answer is a text message (Delivery); " +
    "the frontend acknowledges it with a text message (Receipt). What is not acknowledged is sent again.",
  responses: { 101: { description: "The WebSocket is open." }, 401: response("API_KEY_INVALID.", Problem) },
};

function operation({ summary, path, headers, body, replies }: Route): JsonObject {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => parameter("path", name, "Its id."));
  const inHeader = Object.entries(headers).map(([name, description]) => parameter("header", name, description));
  const responses = Object.entries(replies).map(([status, { description, schema }]) => [
    status,
    response(description, schema),
  ]);
  return {
    summary,
    parameters: [...inPath, ...inHeader],
    ...(body === null ? {} : { requestBody: { required: true, content: content(body) } }),
    responses: Object.fromEntries(responses) as JsonObject,
  };
}

function parameter(where: "path" | "header", name: string, description: string): JsonObject {
  return { in: where, name, required: true, description, schema: { type: "string" } };
}

function response(description: string, schema: TSchema): JsonObject {
  return { description, content: content(schema) };
}

function content(schema: TSchema): JsonObject {
  const name = Object.entries(schemas).find(([, known]) => known === schema)?.[0];
  return {
    "application/json": { schema: name === undefined ? plain(schema) : { $ref: `#/components/schemas/${name}` } },
  };
}

/** A schema without what only the checker uses. */
function plain(schema: TSchema): Json {
  return JSON.parse(JSON.stringify(schema)) as Json;
}
