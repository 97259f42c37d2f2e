/**
 * The arguments of one call, checked against the operation's declaration while they still hold tokens.
 *
 * Threat: a cell sends an argument nobody declared, a value of another type or spelling than the limits count, a token where it would
 * be hydrated into a place that is not meant for it, or a plain value where only a token may stand.
 * Contract: `done` only when every argument is declared and of its type, enum, pattern and bounds; one of a personal class is exactly
 * one token of that class; a public one holds nothing that looks like a token; text is well formed and without U+0000.
 * Failure: ARGUMENT_INVALID with a sentence that names the argument and the rule, never its value.
 */
import { Ajv, type ErrorObject } from "ajv";
import { CALL_BYTES_MAX } from "./bounds.ts";
import { done, type End, refused } from "./ends.ts";
import type { Json, JsonObject } from "./json.ts";
import type { Argument, Operation } from "./operations.ts";
import { holdsTokenAlike, isTokenClass, tokenPattern, tokenText } from "./tokens.ts";

export type CheckArguments = (given: Json) => End<JsonObject>;

/** Items of an array argument that declares no bound. */
const ITEMS_MAX = 100;

const ajv = new Ajv({ strict: true, ownProperties: true });

/** Compiles the check of one operation's tokenised arguments, as `parseExact` read them. */
export function compileArguments(operation: Pick<Operation, "arguments">): CheckArguments {
  const declared = Object.entries(operation.arguments);
  const validate = ajv.compile({
    type: "object",
    properties: Object.fromEntries(declared.map(([name, argument]) => [name, argumentSchema(argument)])),
    required: declared.filter(([, argument]) => !argument.optional).map(([name]) => name),
    additionalProperties: false,
  });
  return (given) => {
    if (!validate(given))
      return invalid(explain((validate.errors as ErrorObject[])[0] as ErrorObject, operation.arguments));
    const fault = Object.entries(given as JsonObject)
      .map(([name, value]) => textFault(name, operation.arguments[name] as Argument, value))
      .find((sentence) => sentence !== undefined);
    return fault === undefined ? done(given as JsonObject) : invalid(fault);
  };
}

function invalid(sentence: string) {
  return refused("ARGUMENT_INVALID", sentence);
}

function argumentSchema(argument: Argument): object {
  if (argument.type === "boolean") return { type: "boolean" };
  if (argument.type === "integer") {
    const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = argument;
    return { type: "integer", minimum, maximum };
  }
  const text = textSchema(argument);
  return argument.type === "string" ? text : { type: "array", maxItems: argument.max_items ?? ITEMS_MAX, items: text };
}

function textSchema(argument: Argument): object {
  if (isTokenClass(argument.class)) return { type: "string", pattern: tokenPattern(argument.class) };
  return {
    type: "string",
    minLength: argument.min_length ?? 0,
    maxLength: argument.max_length ?? CALL_BYTES_MAX,
    ...(argument.enum === undefined ? {} : { enum: argument.enum }),
    ...(argument.pattern === undefined ? {} : { pattern: `^(?:${argument.pattern})$` }),
  };
}

function textFault(name: string, argument: Argument, value: Json): string | undefined {
  for (const text of Array.isArray(value) ? value : [value]) {
    if (typeof text !== "string") continue;
    if (!text.isWellFormed() || text.includes("\0"))
      return `The argument "${name}" holds a lone surrogate or U+0000; send plain text.`;
    if (argument.class === "public" && holdsTokenAlike(text))
      return `The argument "${name}" takes no token and nothing that looks like one.`;
  }
  return undefined;
}

function explain(error: ErrorObject, declared: Record<string, Argument>): string {
  if (error.instancePath === "") return explainWhole(error, declared);
  const [name = "", item] = error.instancePath.slice(1).split("/");
  const subject = item === undefined ? `The argument "${name}"` : `Item ${Number(item) + 1} of the argument "${name}"`;
  const argument = declared[name] as Argument;
  if (error.keyword === "pattern" && isTokenClass(argument.class))
    return `${subject} must be exactly one token, as ${tokenText(argument.class, 1)}.`;
  if (error.keyword === "enum") return `${subject} must be one of: ${argument.enum?.join(", ")}.`;
  return `${subject} ${error.message ?? "is not valid"}.`;
}

function explainWhole(error: ErrorObject, declared: Record<string, Argument>): string {
  const takes = Object.keys(declared).join(", ") || "none";
  const spare: unknown = error.params["additionalProperty"];
  const missing: unknown = error.params["missingProperty"];
  if (typeof spare === "string")
    return `The argument ${JSON.stringify(spare.slice(0, 64))} is unknown. This operation takes: ${takes}.`;
  if (typeof missing === "string") return `The argument "${missing}" is missing. This operation takes: ${takes}.`;
  return "The arguments must be one object.";
}
