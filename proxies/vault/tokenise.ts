/**
 * Results on their way to a cell: every declared field by its class, everything else left out.
 *
 * Threat: an outside system returns more than was declared, or personal values where nobody expects them.
 * Contract: an undeclared field never crosses; a personal one crosses as its token, a text one swept, a public one as it is but for what
 * looks like a token; a customer's id crosses as the customer token. Only plain values cross: what is nested is withheld.
 * Failure: a value that cannot be shown (too long, not plain, not openable) crosses as null. Throws `TableFull`.
 */
import { VALUE_CHARS_MAX } from "../../kernel/abi/bounds.ts";
import type { Json, JsonObject } from "../../kernel/abi/json.ts";
import type { Operation, ResultField } from "../../kernel/abi/operations.ts";
import { holdsTokenAlike, isTokenClass, type TokenClass } from "../../kernel/abi/tokens.ts";
import { sweep } from "./sweep.ts";
import type { Draft, Table } from "./table.ts";

/** Opens a value the case has sealed; undefined where it is noise. */
export type OpenValue = (sealed: string) => string | undefined;

/** The result as the cell may see it, or undefined where it has not the declared rows. */
export function tokeniseResult(
  { rows, fields }: Operation["result"],
  result: Json,
  table: Table,
  draft: Draft,
  open: OpenValue,
): Json | undefined {
  const one = (row: Json) => (isObject(row) ? tokeniseRow(fields, row, table, draft, open) : undefined);
  if (rows === "maybe" && result === null) return null;
  if (rows !== "many") return one(result);
  if (!Array.isArray(result)) return undefined;
  const all = result.map(one);
  return all.every((row) => row !== undefined) ? all : undefined;
}

function tokeniseRow(
  fields: Record<string, ResultField>,
  row: JsonObject,
  table: Table,
  draft: Draft,
  open: OpenValue,
): JsonObject {
  const shown: JsonObject = {};
  for (const [name, field] of Object.entries(fields)) {
    if (!Object.hasOwn(row, name)) continue;
    const value = row[name] as Json;
    shown[name] = Array.isArray(value) ? value.map((item) => show(field, item)) : show(field, value);
  }
  return shown;

  function show(field: ResultField, value: Json): Json {
    if (typeof value === "object") return null;
    if (value === "") return value;
    if (field.class === "public") return typeof value === "string" ? withoutAlikes(value, table, draft) : value;
    if (field.class === "text") return typeof value === "string" ? sweep(value, table, draft) : value;
    if (field.class === "sealed") return typeof value === "string" ? (open(value) ?? null) : null;
    return isTokenClass(field.class) ? showPersonal(field.class, String(value), field.contact === true) : null;
  }

  function showPersonal(name: TokenClass, value: string, contact: boolean): Json {
    if (name === "customer" && value === table.customer?.id) return table.customer.token;
    if (value.length > VALUE_CHARS_MAX) return null;
    return table.tokenFor(name, value, draft, contact);
  }
}

/** A public text is nobody's, but it must not pass for a token: then it is swept whole. */
function withoutAlikes(text: string, table: Table, draft: Draft): string {
  return holdsTokenAlike(text) ? sweep(text, table, draft) : text;
}

/**
 * Fields and text of a submission: free text all of it, numbers too (a telephone number may come as one).
 * The customer is named in the submission itself, never in here.
 */
export function tokeniseFields<F extends string | number | boolean | null>(
  fields: Record<string, F>,
  table: Table,
  draft: Draft,
): Record<string, F | string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, showScalar(value, table, draft)]));
}

function showScalar<F extends string | number | boolean | null>(value: F, table: Table, draft: Draft): F | string {
  if (typeof value !== "string" && typeof value !== "number") return value;
  const swept = sweep(String(value), table, draft);
  return swept === String(value) ? value : swept;
}

function isObject(value: Json): value is JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
