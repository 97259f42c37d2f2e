/**
 * Seals secrets to the TPM of this machine and to the system that booted, lets them out once a boot, and then shuts the TPM until the next.
 *
 * Threat: a secret that opens for another system, another command line, firmware without Secure Boot, a disk in another machine; or for whoever is
 * root later in the same boot.
 * Contract: a secret opens only where PCR 7 (Secure Boot) and PCR 12 (what was added to the boot) are what they were when it was sealed, and PCR 11
 * (the unified kernel image and the phase of the boot) is a value that the maker of the image signed. `shut` extends PCR 11 by a word nobody
 * signs. A TPM in which nothing was measured is refused, whatever it would open.
 * Failure: throws `LaunchError`; nothing of the secret is anywhere.
 */
import { createHash } from "node:crypto";
import { LaunchError } from "../up/launch-error.ts";
import { run } from "./run.ts";

/** `device`: as systemd's and the TPM's own tools name it (`--tpm2-device=`, TPM2TOOLS_TCTI). */
export type Tpm = { device: string; publicKey: string; signature: string };

/** The one of this machine. systemd-stub leaves there what came with the image (systemd-stub(7)). */
export const ownTpm: Tpm = {
  device: "device:/dev/tpmrm0",
  publicKey: "/run/systemd/tpm2-pcr-public-key.pem",
  signature: "/run/systemd/tpm2-pcr-signature.json",
};

/** The policy of a secret, and of the key of /var, as systemd's tools are told it. */
export function policyOf(tpm: Tpm): string[] {
  return [`--tpm2-pcrs=${LITERAL}`, `--tpm2-public-key=${tpm.publicKey}`, `--tpm2-public-key-pcrs=${PCR.image}`];
}

/** PCRs by number (UAPI group, Linux TPM PCR registry). 12 is all zeros while nothing is added to the boot. */
const PCR = { secureBoot: 7, image: 11, additions: 12 } as const;
const LITERAL = `${PCR.secureBoot}+${PCR.additions}`;
const SHUT = "silo-shut";

/** Refuses a TPM in which the firmware or the image measured nothing: what is sealed to that opens anywhere. */
export function checkMeasured(tpm: Tpm): void {
  for (const [what, number] of [
    ["the firmware", PCR.secureBoot],
    ["the boot image", PCR.image],
  ] as const) {
    if (/^(0+|F+)$/i.test(readPcr(tpm, number)))
      throw new LaunchError(
        `The TPM holds no measurement of ${what} (PCR ${number}): keys would open for any system. Boot this image by UEFI with its TPM turned on.`,
      );
  }
  readPcr(tpm, PCR.additions);
}

/** `name` is part of what is sealed: a secret under another name does not open. */
export function seal(tpm: Tpm, name: string, secret: Uint8Array): Buffer {
  checkMeasured(tpm);
  return creds(
    tpm,
    ["encrypt", "--with-key=tpm2-with-public-key", ...policyOf(tpm), `--name=${name}`, "-", "-"],
    secret,
  );
}

export function unseal(tpm: Tpm, name: string, sealed: Uint8Array): Buffer {
  checkMeasured(tpm);
  return creds(tpm, ["decrypt", `--tpm2-signature=${tpm.signature}`, `--name=${name}`, "-", "-"], sealed);
}

/** Nothing that was sealed opens any more until the machine starts again. */
export function shut(tpm: Tpm): void {
  const before = readPcr(tpm, PCR.image);
  const word = createHash("sha256").update(SHUT).digest("hex");
  tool(tpm, ["tpm2_pcrextend", `${PCR.image}:sha256=${word}`]);
  if (readPcr(tpm, PCR.image) === before)
    throw new LaunchError("The TPM took the word that shuts it and did not change.");
}

function readPcr(tpm: Tpm, number: number): string {
  const value = new RegExp(`^\\s*${number}\\s*: 0x([0-9A-F]{64})$`, "m").exec(
    tool(tpm, ["tpm2_pcrread", `sha256:${number}`]),
  );
  if (value?.[1] === undefined) throw new LaunchError(`The TPM has no PCR ${number} of SHA-256.`);
  return value[1];
}

function tool(tpm: Tpm, argv: [string, ...string[]]): string {
  return run(argv, { TPM2TOOLS_TCTI: tpm.device }).toString();
}

function creds(tpm: Tpm, argv: readonly string[], input: Uint8Array): Buffer {
  return run(["systemd-creds", `--tpm2-device=${tpm.device}`, ...argv], {}, input);
}
