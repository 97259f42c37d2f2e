import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { placesWith } from "../../jail/inside.ts";

test("what a module tells in /proc after the jailer has started is hidden from the next cell as well", () => {
  const proc = mkdtempSync(join(tmpdir(), "silo-proc-"));
  for (const folder of ["1", "fs"]) mkdirSync(join(proc, folder));
  writeFileSync(join(proc, "version"), "");
  symlinkSync("1", join(proc, "self"));
  const at = placesWith(proc);
  expect(at.proc).toEqual({ files: ["version"], folders: ["fs"] });
  writeFileSync(join(proc, "mdstat"), "");
  mkdirSync(join(proc, "scsi"));
  expect(at.proc.files.toSorted()).toEqual(["mdstat", "version"]);
  expect(at.proc.folders.toSorted()).toEqual(["fs", "scsi"]);
  rmSync(proc, { recursive: true });
});
