/** What keeps secrets and state: a keyring or a TPM, the disk, the front door's port. */

import { once } from "node:events";
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import type { Settings } from "../../kernel/abi/settings.ts";
import { type Finding, holds, lowered, type Mode, missing } from "./finding.ts";
import { tryProgram } from "./try.ts";

/** A key is put into a session keyring of the kernel's user and read again. */
export function keyring(): Finding {
  const as = ["setpriv", "--reuid=silo-kernel", "--regid=silo-kernel", "--clear-groups", "--"] as const;
  const tried = tryProgram([...as, "keyctl", "session", "-", "keyctl", "add", "user", "silo-doctor", "x", "@s"]);
  if (tried.ok) return holds("keyring", "silo-kernel can keep a key in a keyring of its own");
  return missing(
    "keyring",
    `signing keys cannot be kept: ${tried.why}`,
    "use a Linux kernel with CONFIG_KEYS; in a container, allow keyctl",
  );
}

/** A secret is sealed to the TPM and opened again. */
export function tpm(mode: Mode): Finding {
  const [secret, options] = ["silo-doctor", ["--with-key=tpm2", "--name=silo-doctor"]] as const;
  const sealed = tryProgram(["systemd-creds", "encrypt", ...options, "-", "-"], secret);
  const opened = sealed.ok
    ? tryProgram(["systemd-creds", "decrypt", "--name=silo-doctor", "-", "-"], sealed.out)
    : sealed;
  if (opened.ok && opened.out === secret) return holds("TPM", "a secret was sealed to it and opened again");
  return lowered(
    mode,
    "TPM",
    `signing keys lie in the kernel keyring, not in a TPM: ${opened.why}`,
    "give the machine a TPM 2.0, and turn it on in the firmware",
  );
}

const TMPFS = 0x01021994;
export const FREE_MIB_MIN = 1024;
const MIB = 1024 * 1024;

/** Writes, flushes and times it. */
export function disk(mode: Mode, folder: string): Finding {
  const { type, bavail, bsize } = statfsSync(folder);
  const freeMib = Math.floor((bavail * bsize) / MIB);
  const tried = flushMs(`${folder}/.silo-doctor-${process.pid}`);
  if (typeof tried === "string")
    return missing("disk", `${folder} cannot be written: ${tried}`, "make it writable for root");
  if (isShort(freeMib))
    return missing(
      "disk",
      `${freeMib} MiB are free in ${folder}, less than ${FREE_MIB_MIN}: when it is full new work stops`,
      "make room",
    );
  if (type === TMPFS)
    return lowered(
      mode,
      "disk",
      `${folder} is in memory: what was accepted is lost with the power`,
      "name a state directory on a disk",
    );
  return holds("disk", `${freeMib} MiB free; a write is on disk after ${tried.toFixed(1)} ms`);
}

export function isShort(freeMib: number): boolean {
  return freeMib < FREE_MIB_MIN;
}

function flushMs(path: string): number | string {
  try {
    const begun = performance.now();
    const file = openSync(path, "wx", 0o600);
    writeSync(file, "x");
    fsyncSync(file);
    closeSync(file);
    return performance.now() - begun;
  } catch (error) {
    return (error as Error).message;
  } finally {
    rmSync(path, { force: true });
  }
}

/** Listens where ingress does. Taken is right only while SiloOS runs. */
export async function port({ http }: Settings, isRunning: boolean): Promise<Finding> {
  const server = createServer();
  const at = `${http.host}:${http.port}`;
  try {
    await once(server.listen(http.port, http.host), "listening");
    server.close();
    return holds(
      "front door",
      `${at} is free${isRunning ? ", and nothing listens there though SiloOS was started" : ""}`,
    );
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE" && isRunning) return holds("front door", `${at} is in use, and SiloOS runs`);
    return missing(
      "front door",
      `ingress cannot listen at ${at}: ${code}`,
      "end what listens there, or set another http.port in silo.yaml",
    );
  }
}
