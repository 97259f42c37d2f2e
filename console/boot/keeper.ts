/** What keeps this machine's secrets: its TPM, or, where an administrator chose to go on without one, nothing. */
import { existsSync } from "node:fs";
import { LaunchError } from "../up/launch-error.ts";
import type { Keeper } from "./secrets.ts";
import { seal, type Tpm, unseal } from "./tpm.ts";

export type Trust = { mode: "appliance" | "untrusted"; keeper: Keeper };

/** Made at the first boot by the choice of an administrator (disk.ts), and never taken back: what was once in the clear stays so. */
export function untrustedMark(state: string): string {
  return `${state}/untrusted`;
}

/** `tpm` is null on a machine that has none. Throws `LaunchError` where nobody chose to go on without. */
export function keeperOf(state: string, tpm: Tpm | null): Trust {
  if (existsSync(untrustedMark(state))) return { mode: "untrusted", keeper: inTheClear };
  if (tpm === null)
    throw new LaunchError(
      "This machine has no TPM 2.0, and its state was made with one: give it back, or restore the state elsewhere.",
    );
  return {
    mode: "appliance",
    keeper: { close: (name, secret) => seal(tpm, name, secret), open: (name, kept) => unseal(tpm, name, kept) },
  };
}

const inTheClear: Keeper = { close: (_, secret) => secret, open: (_, kept) => kept };

/** What an untrusted machine does without: said by `silo status` and on every page of the console. */
export const untrusted: readonly string[] = [
  "UNTRUSTED: an administrator chose to run without a TPM, for good. The disk is not encrypted and keys lie on it in the clear.",
  "UNTRUSTED: nothing measured the boot of this machine: another system can have read and changed what lies on its disk.",
];
