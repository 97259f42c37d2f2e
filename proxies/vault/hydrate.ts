/**
 * Arguments on their way to a proxy: values where tokens stood.
 *
 * Threat: an agent puts a token where its value does not belong (a subject line, a search key), uses a token of another case, lets a
 * message go to somebody who is not this customer, or to a contact it has just changed itself.
 * Contract: only declared arguments, only tokens of this case, a personal argument exactly one token of its class, a recipient only a contact of
 * this customer of a class not written in this case. What is returned holds no token and nothing that looks like one but inside values.
 * Failure: TOKEN_UNKNOWN, TOKEN_MISPLACED, RECIPIENT_NOT_ALLOWED, TOO_LARGE; nothing has been done.
 */
import { CALL_BYTES_MAX } from "../../kernel/abi/bounds.ts";
import { done, type End, type Refused, refused } from "../../kernel/abi/ends.ts";
import type { Json, JsonObject } from "../../kernel/abi/json.ts";
import type { Argument, Operation } from "../../kernel/abi/operations.ts";
import { holdsTokenAlike, isContactClass, isTokenClass, splitAtTokens, tokenText } from "../../kernel/abi/tokens.ts";
import type { Draft, Table } from "./table.ts";

/** Hydrated arguments of one call, all together, in UTF-16 units. */
export const HYDRATED_CHARS_MAX = 16 * CALL_BYTES_MAX;

export type Hydrated = {
  values: JsonObject;
  /** Arguments that were hydrated, for the log. */
  fields: string[];
};

/** Seals a value that is stored outside under the case's key. */
export type SealValue = (text: string) => string;

/** Replaces the tokens of `given`, which passed compileArguments. `draft` notes the tokens and the contacts that are written. */
export function hydrate(
  operation: Pick<Operation, "arguments">,
  given: JsonObject,
  table: Table,
  draft: Draft,
  sealValue: SealValue,
): End<Hydrated> {
  const values: JsonObject = {};
  const fields: string[] = [];
  let left = HYDRATED_CHARS_MAX;
  for (const [name, value] of Object.entries(given)) {
    const argument = Object.hasOwn(operation.arguments, name) ? operation.arguments[name] : undefined;
    if (argument === undefined) return refused("ARGUMENT_INVALID");
    const end = hydrateArgument(argument, value);
    if (end.end !== "done") return end;
    values[name] = end.value;
    if (end.value !== value) fields.push(name);
    left -= charsOf(end.value);
    if (left < 0) return refused("TOO_LARGE", "The arguments are too large with values where tokens stand.");
  }
  for (const [name, { writes_contact, class: kind }] of Object.entries(operation.arguments)) {
    if (writes_contact && isContactClass(kind) && Object.hasOwn(given, name)) table.markWritten(kind, draft);
  }
  return done({ values, fields });

  function hydrateArgument(argument: Argument, value: Json): End<Json> {
    if (!Array.isArray(value)) return hydrateOne(argument, value);
    const items: Json[] = [];
    for (const item of value) {
      const end = hydrateOne(argument, item);
      if (end.end !== "done") return end;
      items.push(end.value);
    }
    return done(items.every((item, at) => item === value[at]) ? value : items);
  }

  function hydrateOne(argument: Argument, value: Json): End<Json> {
    if (typeof value !== "string") return done(value);
    if (argument.class === "public") return holdsTokenAlike(value) ? misplaced() : done(value);
    if (argument.class === "sealed") return done(sealValue(value));
    if (argument.class === "text") return hydrateText(value, table, draft);
    return isTokenClass(argument.class) ? hydratePersonal(argument, value) : misplaced();
  }

  function hydratePersonal(argument: Argument, token: string): End<Json> {
    if (splitAtTokens(token)[1] !== token) return misplaced();
    const entry = table.lookUp(token);
    if (entry === undefined) return unknown(token);
    if (entry.class !== argument.class)
      return refused("TOKEN_MISPLACED", `${token} stands where a token of class ${argument.class} belongs.`);
    if (argument.recipient && !table.mayReceive(token)) return refused("RECIPIENT_NOT_ALLOWED");
    draft.tokens.add(token);
    return done(entry.value);
  }
}

/** Free text with the values of its tokens. TOKEN_UNKNOWN where a token, or what looks like one, would be left over. */
export function hydrateText(text: string, table: Table, draft: Draft): End<string> {
  const parts: string[] = [];
  for (const [at, part] of splitAtTokens(text).entries()) {
    if (at % 2 === 0) {
      if (holdsTokenAlike(part)) return refused("TOKEN_UNKNOWN", LEFT_OVER);
      parts.push(part);
      continue;
    }
    const entry = table.lookUp(part);
    if (entry === undefined) return unknown(part);
    if (part !== table.customer?.token) draft.tokens.add(part);
    parts.push(entry.value);
  }
  return done(parts.join(""));
}

const LEFT_OVER = `A text holds something that looks like a token and is none. Write tokens exactly as they came, as ${tokenText("name", 1)}.`;

function misplaced(): Refused {
  return refused("TOKEN_MISPLACED");
}

/** `token` has the exact form of one, so it may stand in a sentence. */
function unknown(token: string): Refused {
  return refused("TOKEN_UNKNOWN", `${token} does not stand for anything in this case.`);
}

function charsOf(value: Json): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + charsOf(item), 0);
  return typeof value === "string" ? value.length : 8;
}
