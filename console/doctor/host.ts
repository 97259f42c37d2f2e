/** The machine below: programs, users, clock, randomness, settings of the Linux kernel. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { ProcessName } from "../../kernel/abi/edges.ts";
import { edges } from "../../kernel/abi/edges.ts";
import type { Accounts } from "../up/accounts.ts";
import { userOf } from "../up/processes.ts";
import { type Finding, holds, lowered, type Mode, missing } from "./finding.ts";
import { settings } from "./kernel-settings.ts";
import { tryProgram } from "./try.ts";

const NODE_MAJOR_MIN = 24;
const PROGRAMS = ["systemd-nspawn", "nft", "setpriv", "unshare", "keyctl", "prlimit"] as const;

export function programs(): Finding {
  const broken = PROGRAMS.filter((program) => !tryProgram([program, "--version"]).ok);
  const major = Number(process.versions.node.split(".")[0]);
  if (major < NODE_MAJOR_MIN)
    return missing("programs", `Node ${process.versions.node} is too old`, `run it with Node ${NODE_MAJOR_MIN}`);
  if (broken.length > 0)
    return missing(
      "programs",
      `these do not run: ${broken.join(", ")}`,
      "build the tree again: image/tree.sh build buildroot",
    );
  return holds("programs", `Node ${process.versions.node} and ${PROGRAMS.join(", ")} run`);
}

export function users(accounts: Accounts): Finding {
  const names = [...new Set(edges.flatMap(({ from, to }): ProcessName[] => [from, to]))]
    .map(userOf)
    .concat("silo-resolver");
  const lost = names.filter((name) => idOf(accounts, name) === undefined);
  const ids = new Set(names.map((name) => idOf(accounts, name)));
  if (lost.length > 0)
    return missing(
      "users",
      `these are not there: ${lost.join(", ")}`,
      "systemd-sysusers makes them from systemd/sysusers.d/silo.conf",
    );
  if (ids.size < names.length)
    return missing("users", "two processes share a user: one is as good as the other", "see passwd(5)");
  return holds("users", `${names.length} users, one a process`);
}

function idOf(accounts: Accounts, name: string): number | undefined {
  try {
    return accounts.uid(name);
  } catch {
    return undefined;
  }
}

/** Nothing was signed or logged by this version before it was written. */
export const CLOCK_MS_MIN = Date.UTC(2026, 0, 1);
const WATCH_MS = 300;
export const DRIFT_MS_MAX = 200;

export async function clock(mode: Mode): Promise<Finding> {
  const [wall, steady] = [Date.now(), performance.now()];
  await delay(WATCH_MS);
  const fault = clockFault(wall, Math.abs(Date.now() - wall - (performance.now() - steady)));
  if (fault !== null) return missing("clock", fault, "set it, and see who else does");
  const chrony = tryProgram(["chronyc", "-n", "-c", "tracking"]);
  if (chrony.ok && !/Not synchronised/.test(chrony.out))
    return holds("clock", "it is sane, steady, and synchronised by chrony");
  const timed = tryProgram(["timedatectl", "show", "--property=NTPSynchronized", "--value"]);
  if (timed.ok && timed.out === "yes") return holds("clock", "it is sane, steady and synchronised");
  return lowered(
    mode,
    "clock",
    "it is sane and steady, but nobody here can say that it is synchronised",
    "run chrony or systemd-timesyncd on the host",
  );
}

/** `drift` is what it went apart from a steady one, in milliseconds, while it was watched. */
export function clockFault(wall: number, drift: number): string | null {
  if (wall < CLOCK_MS_MIN) return `it says ${new Date(wall).toISOString()}: keys and limits would be of another time`;
  return drift > DRIFT_MS_MAX ? `it jumped ${Math.round(drift)} ms while it was watched` : null;
}

const RANDOM_MS_MAX = 1_000;

export function randomness(): Finding {
  const begun = performance.now();
  const [one, other] = [randomBytes(32), randomBytes(32)];
  if (one.equals(other) || performance.now() - begun > RANDOM_MS_MAX)
    return missing(
      "randomness",
      "the Linux kernel has none to give yet: keys made now could be guessed",
      "wait, or add a source (virtio-rng)",
    );
  return holds("randomness", "the Linux kernel gives it without waiting");
}

const required = settings.flatMap(({ least, ...rest }) => (least === undefined ? [] : [{ ...rest, least }]));

/** Settings are what they say: there is no other way to try them than to attack the machine. */
export function kernelSettings(mode: Mode, proc = "/proc/sys"): Finding {
  const low = required.filter(({ name, least }) => !(read(`${proc}/${name.replaceAll(".", "/")}`) >= least));
  if (low.length === 0) return holds("kernel settings", `${required.length} settings are as they should be`);
  const why = low.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
  return lowered(
    mode,
    "kernel settings",
    why,
    `sysctl -w ${low.map(({ name, least }) => `${name}=${least}`).join(" ")}`,
  );
}

/** What only the boot can say: the Linux kernel takes no code that nobody signed, and root cannot change it while it runs. */
export function kernelLocked(mode: Mode, sys = "/sys"): Finding {
  const faults = [
    ...(/\[(integrity|confidentiality)\]/.test(text(`${sys}/kernel/security/lockdown`))
      ? []
      : ["root can change the Linux kernel while it runs (lockdown=integrity)"]),
    ...(text(`${sys}/module/module/parameters/sig_enforce`).trim() === "Y"
      ? []
      : ["it loads modules that nobody signed (module.sig_enforce=1)"]),
  ];
  if (faults.length === 0) return holds("kernel lockdown", "it takes signed modules alone, and root cannot change it");
  return lowered(
    mode,
    "kernel lockdown",
    faults.join("; "),
    "boot the image of SiloOS with Secure Boot: its command line asks for both",
  );
}

function text(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** NaN where the Linux kernel has no such setting. */
function read(path: string): number {
  try {
    return Number(readFileSync(path, "utf8"));
  } catch {
    return Number.NaN;
  }
}
