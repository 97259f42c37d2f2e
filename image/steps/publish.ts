/**
 * What a release is: the disk as raw.zst and qcow2, the parts an update takes, the list of parts, the values a TPM will measure, and a
 * manifest with the digest of each, signed.
 */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { readBuild, WORKSHOP } from "../build.ts";
import { ENROLLED, readKeys } from "../keys.ts";
import { productionPackages } from "../product.ts";
import { listOfParts } from "../sbom.ts";
import { signRelease } from "./sign.ts";
import { run } from "./tool.ts";

const LOCK_FILE = new URL("../../package-lock.json", import.meta.url);
const MIB = 1024 * 1024;

const build = readBuild();
const keys = readKeys(WORKSHOP.keys);
const folder = join(WORKSHOP.image, "published", build.version);
const stem = `silo_${build.version}`;
const files: string[] = [];

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

run("zstd", "--quiet", "-10", "--threads=0", "--long", build.disk, "-o", file(`${stem}.raw.zst`));
run("qemu-img", "convert", "-O", "qcow2", "-c", "-o", "compression_type=zstd", build.disk, file(`${stem}.qcow2`));
copyFileSync(build.kernelImage, file(`${stem}.efi`));
copyFileSync(build.rootHash, file(`${stem}.roothash`));
copyFileSync(build.measurements, file(`${stem}.pcr11.txt`));
copyFileSync(keys.pcr.publicKey, file("pcr.pub"));
copyFileSync(keys.secureBoot.certificate, file("db.crt"));
for (const name of ENROLLED) {
  const list = join(keys.folder, `${name}.auth`);
  if (existsSync(list)) copyFileSync(list, file(`${name}.auth`));
}
writeFileSync(file(`${stem}.cdx.json`), JSON.stringify(parts(), null, 2));
await writeManifest();
for (const name of files) console.log(`${name} ${(statSync(join(folder, name)).size / MIB).toFixed(1)} MiB`);

function file(name: string): string {
  files.push(name);
  return join(folder, name);
}

function parts(): object {
  const debian = readFileSync(join(build.tree, "root/usr/lib/silo/packages"), "utf8");
  const { packages } = JSON.parse(readFileSync(LOCK_FILE, "utf8"));
  return listOfParts(build.version, debian, productionPackages(packages));
}

async function writeManifest(): Promise<void> {
  const lines = await Promise.all(files.map(async (name) => `${await digest(join(folder, name))}  ${name}\n`));
  const manifest = join(folder, "SHA256SUMS");
  writeFileSync(manifest, lines.join(""));
  signRelease(manifest, keys, `${manifest}.sig`);
  copyFileSync(keys.release.publicKey, join(folder, "release.pub"));
}

async function digest(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
