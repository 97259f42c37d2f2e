/**
 * The unified kernel images: kernel, initrd and command line with the root's hash in one signed file. Two of them start the same root:
 * the one that ships, and one for acceptance, signed with keys that are made here and shipped nowhere.
 *
 * Threat: what runs in an acceptance could run on an appliance.
 * Contract: what opens its door is in the acceptance's initrd alone; firmware that trusts the shipped key does not start it, and the
 * TPM's policy of a shipped image does not know it.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readBuild, WORKSHOP } from "../build.ts";
import { commandLine } from "../command-line.ts";
import { type Keys, makeKeys, readKeys } from "../keys.ts";
import { pack } from "./initrd.ts";
import { signers } from "./sign.ts";
import { output } from "./tool.ts";

/**
 * Until when in a boot the TPM opens what is bound to the signed policy: from the switch to the root to the end of sysinit. "ready" is
 * not among them, so nothing opens any more once it is measured.
 */
const PHASES = ["enter-initrd:leave-initrd", "enter-initrd:leave-initrd:sysinit"];
const STUB = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub";
const OUR_INITRD = fileURLToPath(new URL("../initrd", import.meta.url));
const ACCEPTANCE_INITRD = fileURLToPath(new URL("../acceptance", import.meta.url));

const build = readBuild();
const root = join(build.tree, "root");
const modules = join(root, "usr/lib/modules");
const kernel = join(modules, readdirSync(modules)[0] as string);
const options = commandLine(readFileSync(new URL("../cmdline", import.meta.url), "utf8"));
const cmdline = `${options} roothash=${readFileSync(build.rootHash, "utf8").trim()}`;

const shipped = pack(OUR_INITRD, join(dirname(build.kernelImage), "initrd-silo"));
writeFileSync(build.measurements, make(build.kernelImage, readKeys(WORKSHOP.keys), [shipped]));
makeKeys(build.acceptance.keys);
const opening = pack(ACCEPTANCE_INITRD, join(dirname(build.acceptance.kernelImage), "initrd-acceptance"));
make(build.acceptance.kernelImage, readKeys(build.acceptance.keys), [shipped, opening]);

/** @returns the values PCR 11 has in each phase, as systemd-measure says them */
function make(image: string, keys: Keys, initrds: readonly string[]): string {
  return output(
    "ukify",
    "build",
    `--linux=${join(kernel, "vmlinuz")}`,
    ...[join(kernel, "initrd"), ...initrds].map((path) => `--initrd=${path}`),
    `--uname=${basename(kernel)}`,
    `--os-release=@${join(root, "usr/lib/os-release")}`,
    `--cmdline=${cmdline}`,
    `--stub=${STUB}`,
    ...signers(keys),
    `--phases=${PHASES.join(" ")}`,
    "--pcr-banks=sha256",
    "--measure",
    "--json=short",
    `--output=${image}`,
  );
}
