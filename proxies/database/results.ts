/** What a statement returned, as the operation declares it: only declared fields, plain JSON, integers that are exact. */
import pg from "pg";
import { done, type End, refused } from "../../kernel/abi/ends.ts";
import type { Json, JsonObject } from "../../kernel/abi/json.ts";
import type { Operation } from "../../kernel/abi/operations.ts";

/** The declaration promises what the database does not hold. A defect of the declaration, not of the call. */
export class ResultError extends Error {
  override name = "ResultError";
}

const { builtins } = pg.types;
const exact = new Set<number>([builtins.BOOL, builtins.INT2, builtins.INT4, builtins.JSON, builtins.JSONB]);

/** For pg: bigint becomes a safe integer or throws, dates and all other types stay the server's text. */
export const resultTypes = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (oid === builtins.INT8) return safeInteger;
    return exact.has(oid) ? pg.types.getTypeParser(oid, format as "text") : (text: string) => text;
  },
};

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new ResultError("A bigint is beyond what a number holds exactly.");
  return value;
}

/** Shapes rows as `one` (NOT_FOUND where there is none), `maybe` or `many`. Throws `ResultError`. */
export function shapeRows(operation: Pick<Operation, "result">, rows: readonly JsonObject[]): End<Json> {
  const fields = Object.keys(operation.result.fields);
  const shaped = rows.map((row) => Object.fromEntries(fields.map((name) => [name, fieldOf(row, name)])));
  if (operation.result.rows === "many") return done(shaped);
  if (shaped.length > 1) throw new ResultError(`There are ${shaped.length} rows where there may be one.`);
  const [row] = shaped;
  if (row !== undefined) return done(row);
  return operation.result.rows === "maybe" ? done(null) : refused("NOT_FOUND");
}

function fieldOf(row: JsonObject, name: string): Json {
  if (!Object.hasOwn(row, name)) throw new ResultError(`There is no column ${name}.`);
  return row[name] as Json;
}
