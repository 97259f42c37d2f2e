/** What one probe found, in the words of whoever has to act on it. */

/** `lowered`: the guard is not there and SiloOS goes on without it, loudly. `missing`: SiloOS does not run, or must not, without it. */
export type State = "holds" | "lowered" | "missing";

export type Finding = { probe: string; state: State; means: string; todo: string | null };

/** On an appliance every guard is required; elsewhere those without which nothing runs. */
export type Mode = "appliance" | "trial";

export function holds(probe: string, means: string): Finding {
  return { probe, state: "holds", means, todo: null };
}

export function missing(probe: string, means: string, todo: string): Finding {
  return { probe, state: "missing", means, todo };
}

/** Of a guard that only an appliance must have. */
export function lowered(mode: Mode, probe: string, means: string, todo: string): Finding {
  return { probe, state: mode === "appliance" ? "missing" : "lowered", means, todo };
}
