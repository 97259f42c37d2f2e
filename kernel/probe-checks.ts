/** What jail/cell/run.py says with its exit code before it offers a cell. A test holds these to that file and to probe.py. */

/** The checks of jail/cell/probe.py in their order, as its functions are called. */
export const probeChecks = [
  "is_held_by",
  "is_the_user",
  "has_no_powers",
  "has_no_network",
  "makes_no_sockets",
  "makes_no_namespace",
  "writes_in_work_alone",
  "sees_its_socket_alone",
  "sees_nothing_of_the_machine",
  "sees_no_other_process",
  "inherits_nothing",
  "is_limited",
] as const;

export const NOT_SEALED = 3;
export const DOOR_SILENT = 4;
export const PROBE_FAILED_FIRST = 64;

/** The check that did not hold, of a cell that ended with this code and was never offered; null where none is to blame. */
export function failedCheck(code: number | null): string | null {
  if (code === NOT_SEALED) return "is_narrowed";
  if (code === DOOR_SILENT) return "reaches_the_membrane";
  return code === null ? null : (probeChecks[code - PROBE_FAILED_FIRST] ?? null);
}
