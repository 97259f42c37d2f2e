/** Which SiloOS a command speaks to. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const STATE_DEFAULT = "/var/lib/silo/trial";

export type Places = {
  /** As a person would name it. */
  name: string;
  /** Defaults: the `config` of this checkout. */
  etc: string;
  var: string;
  run: string;
};

/** The folder of the product this command belongs to. */
export const product = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/**
 * The state directory named by `--state` or SILO_STATE. Named by neither: the SiloOS of this machine, if the command runs inside
 * one, or else the trial's.
 */
export function findPlaces(state: string | undefined, exists: (path: string) => boolean = existsSync): Places {
  const etc = `${product}/config`;
  if (state === undefined && exists("/run/silo/kernel")) return { name: "/", etc, var: "/var/silo", run: "/run/silo" };
  const name = resolve(state ?? STATE_DEFAULT);
  return { name, etc, var: `${name}/var`, run: `${name}/run` };
}
