/**
 * `npm run image`: makes the image of this checkout, tries copies of it and publishes it. On the host it makes the trees and says what
 * the product is; all else happens in the workshop (image/make.ts).
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { places, WORKSHOP } from "./build.ts";
import { ensureTree } from "./buildroot.ts";
import { packageFiles, productionPackages, trackedFiles } from "./product.ts";
import { CHECKOUT, folderOptions, inWorkshop, outside } from "./workshop.ts";

const USAGE = `Usage: npm run image -- [--version N.N.N] [--out DIR] [--keys DIR] [--accept core|boot]
  --version  of the image; package.json's where it is not given
  --out      folder for the build and for what it publishes; /var/lib/silo/image where it is not given
  --keys     folder with the keys (image/keys.ts), made there for trial where it is empty; /var/lib/silo/keys where it is not given.
             A file NAME.pkcs11 with a PKCS#11 URI stands for a key NAME.key that is in a token
  --accept   what copies must meet before the image is published: the core of the acceptance, or that it boots`;
const VERSION = /^\d+\.\d+\.\d+$/;

async function main(): Promise<number> {
  const { version, accept, ...folders } = parseArgs({
    options: {
      ...folderOptions,
      version: { type: "string", default: readJson("package.json").version as string },
      accept: { type: "string", default: "core" },
    },
  }).values;
  if (!VERSION.test(version)) throw new Error(`--version ${version} is not three numbers with points between them.`);
  if (!["core", "boot"].includes(accept)) throw new Error(`--accept ${accept} is neither core nor boot.`);
  begin(join(outside(folders.out), "build"), version);
  const appliance = await ensureTree("appliance", (line) => console.error(line));
  return inWorkshop(folders, ["node", "image/make.ts", accept], [{ host: appliance, inside: WORKSHOP.appliance }]);
}

/** Tells the steps the version and the files, which need the checkout's git and are therefore found here. */
function begin(folder: string, version: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const tracked = execFileSync("git", ["-C", CHECKOUT, "ls-files", "-z"], { encoding: "utf8" }).split("\0");
  const packages = productionPackages(readJson("package-lock.json").packages)
    .map(([path]) => path)
    .filter((path) => existsSync(join(CHECKOUT, path)));
  const product = [...trackedFiles(tracked), ...packages.flatMap((path) => packageFiles(CHECKOUT, path))];
  writeFileSync(places(folder).files, `${product.sort().join("\n")}\n`);
  writeFileSync(places(folder).version, version);
}

function readJson(name: string) {
  return JSON.parse(readFileSync(join(CHECKOUT, name), "utf8"));
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`silo: ${error instanceof Error ? error.message : error}\n\n${USAGE}`);
  process.exitCode = 1;
}
