/** How a `silo` command ends. Part of the interface: scripts rely on the numbers. */
import type { End } from "../../kernel/abi/ends.ts";
import type { Lost } from "../../kernel/process/connect.ts";

export const exits = {
  done: 0,
  /** The command line is wrong. */
  usage: 2,
  /** Refused, for good: the same command will be refused again. */
  refused: 3,
  /** Not now: SiloOS is not running, not reachable or busy. */
  later: 4,
  /** A defect of SiloOS. */
  defect: 70,
} as const;
export type Exit = (typeof exits)[keyof typeof exits];

export const exitHelp = `
Exit status:
  0   done
  2   the command line is wrong
  3   refused: the message says why, and the same command will be refused again
  4   not now: SiloOS is not running, not reachable or busy; try again
  70  a defect of SiloOS`;

/** Ends a command with `exit` and a sentence that says what to do next. */
export class CommandEnd extends Error {
  override name = "CommandEnd";
  readonly exit: Exit;
  /** The refusal's code, if there is one. */
  readonly code: string | null;

  constructor(exit: Exit, message: string, code: string | null = null) {
    super(message);
    this.exit = exit;
    this.code = code;
  }
}

/** The value of a request that was done; throws `CommandEnd` for every other ending. */
export function doneValue<T>(end: End<T> | Lost): T {
  switch (end.end) {
    case "done":
      return end.value;
    case "refused":
      throw new CommandEnd(exits.refused, `Refused (${end.code}): ${end.message}`, end.code);
    case "later":
      throw new CommandEnd(exits.later, `Not now: ${end.message} Try again.`);
    case "lost":
      throw new CommandEnd(
        exits.later,
        "The connection broke before the answer came, so it may or may not have happened. See 'silo task list' and 'silo audit show'.",
      );
  }
}
