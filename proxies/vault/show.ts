/** What a cell may see of a call's result: tokenised, and small enough to be kept and sent. */
import { done, type End, refused } from "../../kernel/abi/ends.ts";
import { canonical, type Json } from "../../kernel/abi/json.ts";
import type { Operation } from "../../kernel/abi/operations.ts";
import type { OpenCase } from "./cases.ts";
import { type Draft, TableFull } from "./table.ts";
import { tokeniseResult } from "./tokenise.ts";

/** Canonical JSON of a tokenised result; sealed and encoded it stays below what the kernel takes. Four times RESULT_BYTES_MAX. */
export const SHOWN_BYTES_MAX = 1024 * 1024;

/** Nothing but the shape: an effect that has happened is told even where its result cannot be. */
const WITHHELD = { one: {}, maybe: null, many: [] } as const;

/**
 * The tokenised result. A read that cannot be shown is refused (NOT_FOUND, RESULT_TOO_LARGE, CASE_TABLE_FULL); an effect is never refused
 * after it happened, its result is withheld instead.
 */
export function showResult(operation: Operation, result: Json, open: OpenCase, draft: Draft): End<Json> {
  const shown = tokeniseBounded(operation, result, open, draft);
  if (shown.end === "done" || operation.effect === "read") return shown;
  draft.tokens.clear();
  return done(structuredClone(WITHHELD[operation.result.rows]) as Json);
}

function tokeniseBounded(operation: Operation, result: Json, open: OpenCase, draft: Draft): End<Json> {
  try {
    const shown = tokeniseResult(operation.result, result, open.table, draft, (sealed) => open.openValue(sealed));
    if (shown === undefined) return refused("NOT_FOUND");
    return Buffer.byteLength(canonical(shown)) > SHOWN_BYTES_MAX ? refused("RESULT_TOO_LARGE") : done(shown);
  } catch (error) {
    if (!(error instanceof TableFull)) throw error;
    return refused("CASE_TABLE_FULL");
  }
}

/** What a cell gets where no effect may happen, or nobody knows what it returned: the declared `shadow`, else the empty shape. */
export function standInOf({ shadow, result: { rows } }: Pick<Operation, "shadow" | "result">): Json {
  if (shadow === undefined) return structuredClone(WITHHELD[rows]) as Json;
  return rows === "many" ? [{ ...shadow }] : { ...shadow };
}

/** Result fields of an operation that hold more than public values, for the log. */
export function personalFields(operation: Operation): string[] {
  return Object.entries(operation.result.fields)
    .filter(([, field]) => field.class !== "public")
    .map(([name]) => name);
}
