/** Is the firewall in force, rule by rule as it was written, and does it stop a packet of one of our users? */
import { inForce } from "../../nftables/intact.ts";
import { product } from "../cli/places.ts";
import { type Finding, holds, lowered, type Mode } from "./finding.ts";
import { tryProgram } from "./try.ts";

const REMEDY = "on a machine that is SiloOS's alone: silo firewall apply";
/** Has no destination anywhere. */
const USER = "silo-kv";

export async function firewall(mode: Mode): Promise<Finding> {
  const nobody = (means: string) => lowered(mode, "firewall", means, REMEDY);
  const state = await inForce().catch((error: Error) => error.message);
  if (state === "absent") return nobody("no firewall holds a process to its destinations");
  if (state === "changed") return nobody("the rules in force are not those of SiloOS: somebody changed them");
  if (state !== "intact") return nobody(`whether there is a firewall cannot be told: ${state}`);
  const as = ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", "--"] as const;
  const sent = tryProgram([...as, process.execPath, `${product}/console/doctor/send.ts`]);
  if (sent.ok && sent.out === "EPERM")
    return holds("firewall", `all rules are in force, and a packet of ${USER} was dropped`);
  return nobody(`the rules are loaded, but a packet of ${USER} was not dropped (${sent.ok ? sent.out : sent.why})`);
}
