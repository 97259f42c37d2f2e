/** What the log says when the kernel starts: which version, with which configuration, which keys sign, how many guards are lowered. */
import type { Told } from "./abi/entry.ts";
import type { Appliance } from "./admin.ts";
import { type Directories, digestOfFile, digestOfFolder } from "./process/config.ts";
import type { SigningKeys } from "./signers.ts";

/** Throws `ConfigError`. */
export function lifeOf(
  dirs: Pick<Directories, "etc" | "var">,
  { version, mode, lowered }: Pick<Appliance, "version" | "mode" | "lowered">,
  signing: Pick<SigningKeys, "current">,
): Told<"start"> {
  const { base, task } = signing.current();
  return {
    version,
    machine: mode === "trial" ? "trial" : "appliance",
    lowered: lowered.length,
    config: {
      settings: digestOfFile(dirs, "silo.yaml"),
      transitions: digestOfFile(dirs, "transitions.yaml"),
      people: digestOfFile(dirs, "people.yaml"),
      operations: digestOfFolder(dirs, "operations"),
    },
    keys: [base.kid, task.kid],
  };
}
