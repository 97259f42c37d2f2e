import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { done } from "../../../kernel/abi/ends.ts";
import type { JsonObject } from "../../../kernel/abi/json.ts";
import { describeApi } from "../../../proxies/ingress/openapi.ts";
import { routes } from "../../../proxies/ingress/routes.ts";
import { answerOf, ask, ended, openWorld, TASK, type World } from "./world.ts";

type Operation = {
  parameters?: { in: string; name: string }[];
  responses: Record<string, { content?: { "application/json": { schema: object } } }>;
};
type Description = {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
};

const described = describeApi();
const description = described as unknown as Description;
const ajv = new Ajv2020({ strict: false });
ajv.addSchema(described, "api");

/** Checks a value against what the description says of that reply. */
function matches(path: string, method: string, status: number, value: unknown): boolean {
  const pointer = ["paths", path, method, "responses", status, "content", "application/json", "schema"];
  const escaped = pointer.map((part) => encodeURIComponent(String(part).replaceAll("~", "~0").replaceAll("/", "~1")));
  return ajv.compile({ $ref: `api#/${escaped.join("/")}` })(value);
}

describe("the description", () => {
  test("names every route and its method, the WebSocket, and nothing else", () => {
    const named = Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const real = routes.map(({ method, path }) => `${method} ${path}`);
    expect(named.sort()).toEqual([...real, "GET /v1/answers"].sort());
  });

  test("names every parameter of every path", () => {
    for (const [path, methods] of Object.entries(description.paths)) {
      const inPath = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
      for (const { parameters = [] } of Object.values(methods))
        expect(parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name)).toEqual(inPath);
    }
  });

  test("holds schemas of JSON Schema 2020-12 whose references all lead somewhere", () => {
    expect(description.openapi).toBe("3.1.0");
    for (const schema of Object.values(description.components.schemas)) expect(ajv.validateSchema(schema)).toBe(true);
    const references = JSON.stringify(description).match(/"#\/components\/schemas\/\w+"/g) ?? [];
    expect(references.length).toBeGreaterThan(5);
    for (const reference of references) {
      expect(description.components.schemas).toHaveProperty(JSON.parse(reference).split("/").at(-1));
    }
  });
});

describe("real replies", () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
  });
  afterEach(() => world.close());
  const key = { "Idempotency-Key": "k" };

  test("are what the description says they are", async () => {
    const accepted = await ask(world, "POST", "/v1/tasks", { kind: "hello" }, key);
    expect(matches("/v1/tasks", "post", 202, accepted.body)).toBe(true);
    expect(matches("/v1/tasks", "post", 202, { ...accepted.body, spare: 1 })).toBe(false);
    const refused = await ask(world, "POST", "/v1/tasks", { kind: "hello" });
    expect(matches("/v1/tasks", "post", refused.status, refused.body)).toBe(true);
    const ready = await ask(world, "GET", `/v1/tasks/${TASK}`);
    expect(matches("/v1/tasks/{task}", "get", 200, ready.body)).toBe(true);
    world.kernel.state = async () => {
      await world.toIngress.request("answer", answerOf());
      return done(ended());
    };
    const answered = await ask(world, "GET", `/v1/tasks/${TASK}`);
    expect(answered.body).toHaveProperty("answer.text");
    expect(matches("/v1/tasks/{task}", "get", 200, answered.body)).toBe(true);
  });

  test("include the description itself, for everybody", async () => {
    const reply = await ask(world, "GET", "/v1/openapi.json", undefined, { Authorization: "" });
    expect(reply.status).toBe(200);
    expect(reply.body as JsonObject).toEqual(JSON.parse(JSON.stringify(described)));
  });
});
