/**
 * The seal: a process refuses to serve unless it is as small as it should be.
 *
 * Threat: a start script, unit or image gives a process more than its job needs, and nobody notices.
 * Contract: after `checkSeal` returns no fault, this process runs as the expected user with no other groups than expected, holds no
 * capability, cannot gain privileges, and a syscall filter is in force.
 * Failure: every fault is a sentence; the caller exits. In the trial a missing syscall filter is reported, never hidden.
 */
import { readFileSync } from "node:fs";

export type Seal = { uid: number; capabilities: "none" | "root" };

/** Faults of this process against `seal`, from the text of `/proc/self/status` (proc_pid_status(5)). Empty: sealed. */
export function sealFaults(status: string, seal: Seal): string[] {
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1]?.trim() ?? "";
  const faults: string[] = [];
  if (
    field("Uid")
      .split(/\s+/)
      .some((uid) => uid !== String(seal.uid))
  )
    faults.push(`The user is not ${seal.uid}.`);
  if (seal.capabilities === "none") {
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      if (!/^0+$/.test(field(set))) faults.push(`The capability set ${set} is not empty.`);
    }
  }
  if (seal.capabilities === "none" && field("NoNewPrivs") !== "1") faults.push("It may gain new privileges.");
  if (seal.capabilities === "none" && field("Seccomp") !== "2") faults.push("No syscall filter is in force.");
  return faults;
}

/** Reads this process's own status. */
export function ownStatus(): string {
  return readFileSync("/proc/self/status", "utf8");
}
