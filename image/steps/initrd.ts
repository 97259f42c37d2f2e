/** A folder as an additional initrd: the kernel unpacks one after the other, and a later file replaces an earlier. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, lstatSync, lutimesSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { SOURCE_DATE_EPOCH } from "../build.ts";

/** Packs `folder` beside a copy at `stem`, the same bytes for the same files. @returns the archive's path */
export function pack(folder: string, stem: string): string {
  rmSync(stem, { recursive: true, force: true });
  cpSync(folder, stem, { recursive: true, verbatimSymlinks: true });
  const names = readdirSync(stem, { recursive: true, encoding: "utf8" }).sort();
  for (const name of names) settle(join(stem, name));
  const archive = `${stem}.cpio`;
  const options = ["--create", "--format=newc", "--reproducible", "--owner=0:0", "--quiet", `--file=${archive}`];
  execFileSync("cpio", options, { cwd: stem, input: names.join("\n"), stdio: ["pipe", "inherit", "inherit"] });
  return archive;
}

function settle(path: string): void {
  const file = lstatSync(path);
  if (!file.isSymbolicLink()) chmodSync(path, file.isDirectory() ? 0o755 : 0o644);
  lutimesSync(path, Number(SOURCE_DATE_EPOCH), Number(SOURCE_DATE_EPOCH));
}
