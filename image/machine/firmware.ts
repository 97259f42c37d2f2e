/** A machine's firmware: UEFI with Secure Boot, whose variables know the keys of an image and no others. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { OWNER } from "../keys.ts";
import { run } from "../steps/tool.ts";

export const FIRMWARE = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd";
const VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/**
 * `enforced`: Secure Boot with the keys of the folder. `setup`: no keys, as a machine leaves its factory. `off`: the keys are there and
 * the firmware does not ask for them.
 */
export type SecureBoot = "enforced" | "setup" | "off";

/** Makes the variables at `path` where they are not there yet. */
export function makeVariables(path: string, keys: string, secureBoot: SecureBoot): void {
  if (existsSync(path)) return;
  const certificate = (name: string) => join(keys, `${name}.crt`);
  const enrolled = [
    ...["--set-pk", OWNER, certificate("PK")],
    ...["--add-kek", OWNER, certificate("KEK")],
    ...["--add-db", OWNER, certificate("db")],
    ...(secureBoot === "enforced" ? ["--sb"] : ["--set-false", "SecureBootEnable"]),
  ];
  run("virt-fw-vars", "--input", VARIABLES, "--output", path, ...(secureBoot === "setup" ? [] : enrolled));
}
