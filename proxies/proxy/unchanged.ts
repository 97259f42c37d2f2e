/**
 * Whether hydrated arguments are the permitted ones.
 *
 * Threat: a vault that has been taken over gets a yes for one call and acts another: a larger amount, another order, other words.
 * Contract: `values` has exactly the permitted arguments, each of them declared. Numbers, booleans and public texts are identical; a text
 * is identical outside its tokens; an argument of a personal class is one value where one token stood; a sealed one is the vault's noise.
 * Failure: says which argument differs, never what stood in it. Which value stands for a token only the vault knows.
 */
import { VALUE_CHARS_MAX } from "../../kernel/abi/bounds.ts";
import type { Json, JsonObject } from "../../kernel/abi/json.ts";
import type { Argument, FieldClass, Operation } from "../../kernel/abi/operations.ts";
import { splitAtTokens } from "../../kernel/abi/tokens.ts";

const SEALED = /^[A-Za-z0-9_-]+$/;

/** The first argument that is not declared, or in which `values` is not `permitted` with its tokens replaced; or undefined. */
export function changedArgument(
  operation: Pick<Operation, "arguments">,
  permitted: JsonObject,
  values: JsonObject,
): string | undefined {
  const spare = Object.keys(values).find((name) => !Object.hasOwn(permitted, name));
  if (spare !== undefined) return spare;
  return Object.entries(permitted).find(([name, value]) => {
    if (!Object.hasOwn(operation.arguments, name) || !Object.hasOwn(values, name)) return true;
    return !isSame((operation.arguments[name] as Argument).class, value, values[name] as Json);
  })?.[0];
}

function isSame(fieldClass: FieldClass, permitted: Json, value: Json): boolean {
  if (Array.isArray(permitted)) {
    if (!Array.isArray(value) || value.length !== permitted.length) return false;
    return permitted.every((item, at) => isSame(fieldClass, item, value[at] as Json));
  }
  if (fieldClass === "public" || typeof permitted !== "string") return Object.is(permitted, value);
  if (typeof value !== "string" || !value.isWellFormed() || value.includes("\0")) return false;
  if (fieldClass === "sealed") return SEALED.test(value);
  return hydrates(permitted, value);
}

/** Whether `value` is `text` with each of its tokens replaced by one to VALUE_CHARS_MAX characters on average. */
export function hydrates(text: string, value: string): boolean {
  const fixed = splitAtTokens(text).filter((_, at) => at % 2 === 0);
  const [first, ...rest] = fixed as [string, ...string[]];
  const last = rest.pop();
  if (last === undefined) return value === text;
  const tokens = fixed.length - 1;
  const inserted = value.length - fixed.join("").length;
  if (inserted > tokens * VALUE_CHARS_MAX) return false;
  if (!value.startsWith(first) || !value.endsWith(last)) return false;
  return fitsBetween(rest, value.slice(first.length, value.length - last.length));
}

/** Whether `parts` stand in `value` in order, with at least one character before, between and after them. */
function fitsBetween(parts: string[], value: string): boolean {
  let at = 0;
  for (const part of parts) {
    const found = value.indexOf(part, at + 1);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at < value.length;
}
