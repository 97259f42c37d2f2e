/**
 * Whether anything new may begin: not while the log cannot be written or published.
 *
 * Threat: a full disk or one that fails, under load: something happens that is not in the log, or what was accepted is lost.
 * Contract: from when space runs out or a write fails, no task is accepted, no call permitted and no cell given work; cells that run end,
 * and their tasks are ready again. The reserve is released, so that what has begun, and that it stops, is written all the same. It goes on by itself once
 * everything is written and published and the reserve is whole again. Both are entries of the log.
 * Failure: where even the reserve is used up, what is to be decided waits undecided (commit.ts); nobody is told that it was done.
 */
import type { consoleToKernel } from "./abi/console-messages.ts";
import { type Later, later } from "./abi/ends.ts";
import type { ValueOf } from "./abi/messages.ts";
import type { Log } from "./process/log.ts";
import type { Reserve } from "./reserve.ts";

export type Stopped = NonNullable<ValueOf<typeof consoleToKernel, "status">["stopped"]>;

export type Stop = {
  /** Nothing begins before this is durable. Settles with what it came to, or with null where it waits for the disk. */
  begin<T>(recovery: Promise<T>): Promise<T | null>;
  /** Null: what is new may begin. */
  why(): Stopped | null;
  /** What whoever wants to begin something is told; null: begin. */
  refusal(): Later | null;
  /** Whether a group may be decided and written now. */
  mayWrite(): boolean;
  /** There is no reserve. */
  lacksReserve(): void;
  /** Goes on where it can. `fault`: why the log is not published, or null. */
  tend(fault: string | null): Promise<void>;
};

export type StopOptions = {
  reserve: Reserve;
  now: () => number;
  log: Log;
  /** Writes the entry; settles when it is durable. */
  note: (verb: "log_stop" | "log_resume", code: Stopped["code"]) => Promise<void>;
  /** Whether something decided waits for the disk. */
  blocked: () => boolean;
  onStop: () => void;
  onResume: () => void;
};

const WHY_CHARS_MAX = 300;

export function openStop({ reserve, now, log, note, blocked, onStop, onResume }: StopOptions): Stop {
  let why: Stopped | null = null;
  let tending: Promise<void> | null = null;
  let hasBegun = false;
  const stuck = Promise.withResolvers<null>();

  function stop(code: Stopped["code"], message: string): void {
    reserve.release();
    if (why !== null) return;
    why = { code, why: message.slice(0, WHY_CHARS_MAX), since: now() };
    log.error({ code, why: why.why }, "NOTHING NEW IS BEGUN: the log cannot be written");
    void note("log_stop", code);
    onStop();
  }

  async function resume(stopped: Stopped): Promise<void> {
    if (blocked() || !(await reserve.make())) return;
    await note("log_resume", stopped.code);
    if (!reserve.isThere()) return; // it failed again meanwhile
    why = null;
    log.info("the log can be written again");
    onResume();
  }

  return {
    begin(recovery) {
      const recovered = recovery.then((value) => {
        hasBegun = true;
        onResume();
        return value;
      });
      return Promise.race([recovered, stuck.promise]);
    },
    why: () => why,
    refusal() {
      if (why !== null) return later("The audit log cannot be written now, and nothing goes unlogged.");
      return hasBegun ? null : later("SiloOS is starting.");
    },
    mayWrite() {
      const fault = reserve.fault();
      if (fault === null) return true;
      stop(fault.code, fault.why);
      const may = reserve.fault() === null; // what was the reserve is free now
      if (!may) stuck.resolve(null);
      return may;
    },
    lacksReserve: () => stop("DISK_FULL", "there is no space for the reserve"),
    async tend(fault) {
      if (fault !== null) return stop(reserve.fault()?.code ?? "DISK_FAULT", fault);
      if (why === null) return;
      tending ??= resume(why).finally(() => {
        tending = null;
      });
      await tending;
    },
  };
}
