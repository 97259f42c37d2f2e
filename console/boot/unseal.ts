/**
 * The step of a boot in which secrets are let out, once, before any process of SiloOS starts (systemd/system/silo-unseal.service). Runs as root.
 *
 * Threat: a process starts with a secret of its own making; a secret can be let out again later, by whoever became root.
 * Contract: when it ends well, credentials are there and the TPM is shut: a second unsealing was tried and failed. However it ends, the
 * TPM is shut. Failure: status 1 with a sentence that the status page shows; what was let out is gone, and nothing starts.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { proxies } from "../../kernel/abi/edges.ts";
import { readSettings } from "../../kernel/abi/settings.ts";
import { tellStatus } from "../../kernel/process/notify.ts";
import { kernelLocked, kernelSettings } from "../doctor/host.ts";
import { makeCredentials } from "../up/credentials.ts";
import { LaunchError } from "../up/launch-error.ts";
import { peopleNames } from "../up/settings.ts";
import { keeperOf, untrusted } from "./keeper.ts";
import { credentialName, empty, openGiven, openKeystores, putInto } from "./secrets.ts";
import { ownTpm, shut, unseal } from "./tpm.ts";

const STATE = "/var/silo";
const RUN = "/run/silo";
const FOLDERS = { state: STATE, store: "/run/credstore" };
const PLACES = { etc: "/etc/silo", var: STATE };
const TPM = "/dev/tpmrm0";
/** Credentials the firmware or the host handed to systemd (systemd.system-credentials(7)). */
const FROM_OUTSIDE = "/run/credentials/@system";

const tpm = existsSync(TPM) ? ownTpm : null;
try {
  await letOut();
  tellStatus("secrets are let out; the TPM is shut until the next boot");
} catch (error) {
  empty(FOLDERS.store);
  if (!(error instanceof Error)) throw error;
  tellStatus(error.message);
  console.error(error.message);
  process.exitCode = 1;
}

async function letOut(): Promise<void> {
  refuseWeakKernel();
  refuseOutsiders();
  const { mode, keeper } = keeperOf(STATE, tpm);
  try {
    openKeystores(FOLDERS, keeper);
    openGiven(FOLDERS, keeper);
  } finally {
    if (tpm !== null) shut(tpm);
  }
  if (mode === "appliance" && tpm !== null) tryAgain();
  const people = peopleNames(PLACES);
  const frontends = Object.keys(readSettings(PLACES).frontends);
  for (const [name, secret] of await makeCredentials({ state: STATE, people, frontends, outside: {} }, proxies)) {
    const [process = "", credential = ""] = name.split("/");
    putInto(FOLDERS.store, credentialName(process, credential), secret);
  }
  const lowered = mode === "untrusted" ? untrusted.join("\n") : "";
  writeFileSync(`${RUN}/trust`, `SILO_MODE=${mode}\nSILO_LOWERED="${lowered}"\n`, { mode: 0o644 });
}

function refuseWeakKernel(): void {
  const bad = [kernelSettings("appliance"), kernelLocked("appliance")].filter(({ state }) => state !== "holds");
  if (bad.length > 0)
    throw new LaunchError(`The Linux kernel lacks guards: ${bad.map(({ means }) => means).join("; ")}.`);
}

/** systemd looks there first for what a unit names without a path. */
function refuseOutsiders(): void {
  const given = existsSync(FROM_OUTSIDE) ? readdirSync(FROM_OUTSIDE) : [];
  if (given.some((name) => name.startsWith("silo.")))
    throw new LaunchError("This machine's host hands it credentials of SiloOS: take them away from its configuration.");
}

/** The proof that it is shut: what has just been opened opens no more. */
function tryAgain(): void {
  const name = credentialName("kernel", "keystore");
  let opened = true;
  try {
    unseal(ownTpm, name, readFileSync(`${STATE}/sealed/${name}`));
  } catch {
    opened = false;
  }
  if (opened) throw new LaunchError("The TPM still lets secrets out after it was shut: its PCR policy does not hold.");
}
