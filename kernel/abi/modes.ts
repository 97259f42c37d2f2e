/**
 * What a mode lets happen: the one place that says it. The kernel asks before it signs a permit, a proxy before it does what one says.
 *
 * Threat: a run that is there for comparison acts.
 * Contract: only a live run has effects; in shadow and try what is read is really read; in a replay nothing is done at all.
 */
import type { Mode } from "./ids.ts";
import type { Operation } from "./operations.ts";

const performed: Readonly<Record<Mode, readonly Operation["effect"][]>> = {
  live: ["read", "write"],
  shadow: ["read"],
  try: ["read"],
  replay: [],
};

/** Whether an operation of this effect is performed in a run of this mode. */
export function performs(mode: Mode, effect: Operation["effect"]): boolean {
  return performed[mode].includes(effect);
}
