/** What an isolation is: it turns the description of a cell into a command, and runs nothing itself. */
import type { Places } from "./inside.ts";
import type { Start } from "./messages.ts";

/** A program with its arguments and environment, and the text it reads from descriptor 3 (null: there is none). */
export type Command = { argv: readonly string[]; environment: Record<string, string>; given: string | null };

export type Isolation = {
  /** The command that starts a cell and ends when nothing of the cell is left, with its exit code. Pure. */
  command(start: Start, at?: Places): Command;
  /** Exit codes of the command itself: the cell could not be started. */
  failures: readonly number[];
  /** A program and an argument that are in the command line of each such command, and of no other process. */
  mark: { program: string; argument: string };
};
