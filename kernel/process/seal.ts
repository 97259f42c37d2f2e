/**
 * The seal: a process refuses to serve unless it is as small as it should be.
 *
 * Threat: a start script, unit or image gives a process more than its job needs, and nobody notices.
 * Contract: after `checkSeal` returns no fault, this process runs as the expected user and that user's group alone, holds no
 * capability, cannot gain privileges, and a syscall filter is in force.
 * Failure: every fault is a sentence; the caller exits. In the trial a missing syscall filter is reported, never hidden.
 */
import { readFileSync } from "node:fs";

/** `uid`: also the number of the one group it may have (systemd/sysusers.d gives each process one of its own). */
export type Seal = { uid: number; capabilities: "none" | "root" };

/** Faults of this process against `seal`, from the text of `/proc/self/status` (proc_pid_status(5)). Empty: sealed. */
export function sealFaults(status: string, seal: Seal): string[] {
  const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1]?.trim();
  const isOwn = (id: string) => id === String(seal.uid);
  const faults: string[] = [];
  if (!ids(field("Uid")).every(isOwn)) faults.push(`The user is not ${seal.uid}.`);
  if (seal.capabilities === "root") return faults;
  if (!ids(field("Gid")).every(isOwn)) faults.push(`The group is not ${seal.uid}.`);
  if (field("Groups") !== "" && !ids(field("Groups")).every(isOwn)) faults.push("It belongs to other groups.");
  for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
    if (!/^0+$/.test(field(set) ?? "")) faults.push(`The capability set ${set} is not empty.`);
  }
  if (field("NoNewPrivs") !== "1") faults.push("It may gain new privileges.");
  if (field("Seccomp") !== "2") faults.push("No syscall filter is in force.");
  return faults;
}

function ids(field = "missing"): string[] {
  return field.split(/\s+/);
}

/** Reads this process's own status. */
export function ownStatus(): string {
  return readFileSync("/proc/self/status", "utf8");
}
