/**
 * What an error of the database means. By SQLSTATE alone: the server's message may hold values and goes nowhere.
 * Source: PostgreSQL 17, appendix A.
 */
import pg from "pg";
import { type End, later, refused } from "../../kernel/abi/ends.ts";

/** refused: final. again: the same transaction may now go through. later: the session or the server cannot go on now. */
export type Failure = { end: End<never>; again: boolean };

/** Serialisation failure, deadlock. */
const CONFLICTS = new Set(["40001", "40P01"]);
/** The server ends this session: by an administrator, a crash of another, a shutdown. */
const ENDINGS = new Set(["57P01", "57P02", "57P03"]);

/** The meaning of what a query threw. */
export function failureOf(error: unknown): Failure {
  const state = sqlState(error);
  if (state === undefined || ENDINGS.has(state) || state.startsWith("08"))
    return { end: later("The connection to the database was lost."), again: true };
  if (CONFLICTS.has(state)) return { end: later("The database is busy with the same records."), again: true };
  return { end: endOf(state), again: false };
}

/** The five characters, or undefined where it was not the server that spoke. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

function endOf(state: string): End<never> {
  if (state === "42501") return refused("NOT_FOUND");
  if (state === "P0001" || state.startsWith("23")) return refused("CONFLICT");
  if (state.startsWith("22")) return refused("ARGUMENT_INVALID", "A value is not one the database can hold there.");
  if (state.startsWith("42"))
    return later("The database does not have what this operation needs; an administrator must look at it.");
  return later("The database cannot do that now.");
}
