/** The disk: fills the ESP. Beside it, the same disk with the acceptance's kernel image in its place. */
import { copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readBuild, SOURCE_DATE_EPOCH, WORKSHOP } from "../build.ts";
import { ENROLLED, readKeys } from "../keys.ts";
import { partition } from "./partition.ts";
import { sign } from "./sign.ts";
import { run } from "./tool.ts";

const BOOT_LOADER = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi";
const LOADER_CONF = new URL("../loader.conf", import.meta.url);
/** How often a new version may fail to come up before the other slot's is started: systemd-boot counts in the name. */
const TRIES = 3;

const build = readBuild();
const esp = join(build.tree, "esp");
const names = {
  loader: "EFI/BOOT/BOOTX64.EFI",
  kernel: `EFI/Linux/silo_${build.version}+${TRIES}-0.efi`,
};

rmSync(esp, { recursive: true, force: true });
for (const folder of ["EFI/BOOT", "EFI/Linux", "loader/keys/auto"]) mkdirSync(join(esp, folder), { recursive: true });
copyFileSync(LOADER_CONF, join(esp, "loader/loader.conf"));
copyFileSync(build.kernelImage, join(esp, names.kernel));
sign(BOOT_LOADER, readKeys(WORKSHOP.keys), join(esp, names.loader));
enrol();
run("find", esp, "-exec", "touch", "-d", `@${SOURCE_DATE_EPOCH}`, "{}", "+");

const partitions = partition(build, "complete") as { type: string; offset: number }[];
const offset = partitions.find(({ type }) => type === "esp")?.offset;
if (offset === undefined) throw new Error("systemd-repart told no place of the ESP.");
acceptanceDisk(offset);

/** In a virtual machine whose firmware has no keys yet, systemd-boot enrols these and starts again. */
function enrol(): void {
  for (const file of ENROLLED.map((name) => `${name}.auth`)) {
    const list = join(WORKSHOP.keys, file);
    if (existsSync(list)) copyFileSync(list, join(esp, "loader/keys/auto", file));
  }
}

function acceptanceDisk(espOffset: number): void {
  const { disk, kernelImage, keys } = build.acceptance;
  const loader = `${kernelImage}.loader`;
  sign(BOOT_LOADER, readKeys(keys), loader);
  run("cp", "--sparse=always", build.disk, disk);
  const image = `${disk}@@${espOffset}`;
  run("mdeltree", "-i", image, "::loader/keys");
  run("mcopy", "-o", "-i", image, loader, `::${names.loader}`);
  run("mcopy", "-o", "-i", image, kernelImage, `::${names.kernel}`);
}
