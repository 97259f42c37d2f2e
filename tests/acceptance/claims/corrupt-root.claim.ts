import { execFileSync } from "node:child_process";
import { closeSync, constants, copyFileSync, openSync, readSync, writeSync } from "node:fs";
import { expect, test } from "vitest";
import { BOOT_MS_MAX, build, machine, READY, shipped } from "../world.ts";

/** Of the file system in the root partition: the first thing read of it. */
const SUPERBLOCK_AT = 1024;
const SECTOR_BYTES = 512;

test("an appliance with one changed byte in its root stops", async () => {
  const image = "/var/silo/machines/corrupt.raw";
  copyFileSync(build.disk, image, constants.COPYFILE_FICLONE);
  flip(image, rootAt(image) + SUPERBLOCK_AT);
  const stopped = await machine("corrupt", { ...shipped, image });
  await stopped.serial.expect(/Kernel panic.*verity/i, BOOT_MS_MAX);
  await stopped.off;
  expect(stopped.serial.text()).not.toMatch(READY);
});

function rootAt(image: string): number {
  const table = execFileSync("partx", ["--raw", "--noheadings", "--output=NAME,START", image], { encoding: "utf8" });
  const start = new RegExp(`^silo_${build.version} (\\d+)$`, "m").exec(table)?.[1];
  return Number(start) * SECTOR_BYTES;
}

function flip(path: string, at: number): void {
  const file = openSync(path, "r+");
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0] = (byte[0] as number) ^ 1;
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
}
