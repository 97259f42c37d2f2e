/**
 * The state of the machine: made at the first boot, opened at every boot (systemd/system/silo-disk.service). Runs as root before anything else.
 *
 * Threat: state that opens in another machine or for another system; state that is made in the clear because a TPM was missing or silent.
 * Contract: the partition is encrypted to the TPM by the policy of tpm.ts, with a recovery key as the only other way in. Without a TPM in which the boot
 * was measured nothing is made, unless a person at the console asks for an untrusted machine by that word; then its name says so for good.
 * Failure: status 1 with a sentence; no state is mounted, so nothing of SiloOS starts.
 */
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tellStatus } from "../../kernel/process/notify.ts";
import { LaunchError } from "../up/launch-error.ts";
import { run } from "./run.ts";
import { checkMeasured, ownTpm, policyOf } from "./tpm.ts";

const SEALED = "/dev/disk/by-partlabel/silo-var";
const UNTRUSTED = "/dev/disk/by-partlabel/silo-var-untrusted";
const NAME = "silo-var";
const MAPPED = `/dev/mapper/${NAME}`;
const RUN = "/run/silo-disk";
const TPM = "/dev/tpmrm0";
const DEFINITIONS = "/opt/silo/console/boot/disk";
const CHOICE = "untrusted";
/** Of udev: what the firmware found is there by then. */
const SETTLE_SECONDS = 60;

try {
  run(["udevadm", "settle", `--timeout=${SETTLE_SECONDS}`]);
  mkdirSync(RUN, { recursive: true, mode: 0o700 });
  const isNew = !existsSync(SEALED) && !existsSync(UNTRUSTED);
  if (isNew) make();
  const device = existsSync(UNTRUSTED) ? UNTRUSTED : open();
  run(["e2fsck", "-p", device]);
  rmSync(`${RUN}/var`, { force: true });
  symlinkSync(device, `${RUN}/var`);
  tellStatus(isNew ? "the state was made" : "the state is open");
} catch (error) {
  if (!(error instanceof Error)) throw error;
  tellStatus(error.message);
  console.error(error.message);
  process.exitCode = 1;
}

function make(): void {
  const why = whyUntrusted();
  if (why === null) partition("sealed", ["--tpm2-device=auto", ...policyOf(ownTpm)]);
  else {
    askFor(CHOICE, why);
    partition("untrusted", []);
  }
  run(["udevadm", "settle", `--timeout=${SETTLE_SECONDS}`]);
}

function whyUntrusted(): string | null {
  if (!existsSync(TPM)) return "This machine has no TPM 2.0.";
  try {
    checkMeasured(ownTpm);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The table is written when what is in the partition is there, so a cut leaves a disk without it. */
function partition(kind: string, how: readonly string[]): void {
  run(["systemd-repart", "--dry-run=no", `--definitions=${DEFINITIONS}/${kind}`, ...how]);
}

/** Waits until a person has typed it. */
function askFor(word: string, why: string): void {
  const question = `${why} Without one, keys and state lie on the disk in the clear. Turn it on and start again; or type '${word}' to run so for good:`;
  let typed = "";
  while (typed !== word) typed = run(["systemd-ask-password", "--echo=yes", "--timeout=0", question]).toString().trim();
}

/** By the TPM, or by the recovery key that systemd-cryptsetup(8) asks for at the console where that fails. */
function open(): string {
  if (!existsSync(MAPPED)) {
    const options = ["tpm2-device=auto", `tpm2-signature=${ownTpm.signature}`, "discard"].join(",");
    run(["/usr/bin/systemd-cryptsetup", "attach", NAME, SEALED, "-", options]);
  }
  const slots = run(["systemd-cryptenroll", SEALED]).toString();
  if (!/\brecovery\b/.test(slots)) enrolRecovery();
  if (!existsSync(MAPPED)) throw new LaunchError(`${SEALED} was opened and is not there.`);
  return MAPPED;
}

/** It is on no disk: the status page shows it in this boot, and no other. */
function enrolRecovery(): void {
  const key = run(["systemd-cryptenroll", "--recovery-key", "--unlock-tpm2-device=auto", SEALED]);
  writeFileSync(`${RUN}/recovery-key`, key, { mode: 0o600 });
}
