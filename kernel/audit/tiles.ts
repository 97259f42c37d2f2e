/**
 * Tiles, entry bundles and the checkpoint on disk, as C2SP tlog-tiles names them.
 *
 * Threat: a crash or a full disk leaves half a file under a name that says it is whole.
 * Contract: a file appears under its name whole and flushed, and so does the folder it is in, before `write` settles. What has a name never
 * changes, but for `checkpoint`.
 * Failure: `write` rejects with what the system said; what was written stays and is written again.
 */
import { readFileSync, statSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HASH_BYTES, TILE_WIDTH, type Tile, type Tree } from "./tree.ts";

export const CHECKPOINT = "checkpoint";
/** The log's first verifier key, for whoever has no better source of it. */
export const KEY = "key";
const FOLDER_MODE = 0o2750;
const FILE_MODE = 0o640;
/** Flushed at once. */
const FILES_MAX = 32;
const LENGTH_BYTES = 2;

/** Path below the log's folder, and content. */
export type File = { path: string; bytes: Uint8Array };

/** Where the n-th key that replaced another took over. */
export function handoverPath(n: number): string {
  return `handover/${n}`;
}

/** A level, or `entries`. A full tile has no width. */
export function tilePath(of: number | "entries", index: number, width = TILE_WIDTH): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, "0");
  const parts = padded.match(/.{3}/g) ?? [];
  const name = parts.map((part, place) => (place < parts.length - 1 ? `x${part}` : part)).join("/");
  return `tile/${of}/${name}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

export function tileFile({ level, index, hashes }: Tile): File {
  return { path: tilePath(level, index, hashes.length), bytes: Buffer.concat(hashes) };
}

/** Entries with their lengths before them, two bytes each. */
export function bundleFile(index: number, entries: readonly string[]): File {
  const parts = entries.flatMap((entry) => {
    const bytes = Buffer.from(entry);
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt16BE(bytes.length);
    return [length, bytes];
  });
  return { path: tilePath("entries", index, entries.length), bytes: Buffer.concat(parts) };
}

/** Settles when all are on disk for good. */
export async function write(folder: string, files: readonly File[]): Promise<void> {
  for (let at = 0; at < files.length; at += FILES_MAX) {
    const some = files.slice(at, at + FILES_MAX);
    const made = await Promise.allSettled(some.map((file) => writeOne(folder, file))); // none goes on behind a failure
    const failed = made.find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    for (const changed of new Set(made.flatMap((one) => (one.status === "fulfilled" ? one.value : []))))
      await flush(changed);
  }
}

/** Returns the folders whose names changed. */
async function writeOne(folder: string, { path, bytes }: File): Promise<string[]> {
  const whole = join(folder, path);
  const into = dirname(whole);
  const first = await mkdir(into, { recursive: true, mode: FOLDER_MODE });
  const file = await open(`${whole}.new`, "w", FILE_MODE);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${whole}.new`, whole);
  return first === undefined ? [into] : upTo(dirname(first), into);
}

function upTo(top: string, folder: string): string[] {
  return folder === top ? [folder] : [folder, ...upTo(top, dirname(folder))];
}

async function flush(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes the partial tiles of one that is full. */
export async function removePartial(folder: string, of: number | "entries", index: number): Promise<void> {
  await rm(join(folder, `${tilePath(of, index)}.p`), { recursive: true, force: true });
}

export function readText(folder: string, path: string): string | null {
  try {
    return readFileSync(join(folder, path), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** The tree of that size as its tiles have it, or null where one of them or of the bundles is not there whole. Hashes are not checked. */
export function readTree(folder: string, size: number): Tree | null {
  const edge: Buffer[][] = [];
  for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / TILE_WIDTH)) {
    const full = Math.floor(hashes / TILE_WIDTH);
    const width = hashes % TILE_WIDTH;
    for (let index = 0; index < full; index++) {
      if (bytesOf(join(folder, tilePath(level, index))) !== TILE_WIDTH * HASH_BYTES) return null;
      if (level === 0 && bytesOf(join(folder, tilePath("entries", index))) === 0) return null;
    }
    const last = width === 0 ? Buffer.alloc(0) : readTile(join(folder, tilePath(level, full, width)));
    if (last?.length !== width * HASH_BYTES) return null;
    if (level === 0 && width > 0 && bytesOf(join(folder, tilePath("entries", full, width))) === 0) return null;
    edge.push(hashesOf(last, width));
  }
  return { size, edge };
}

/** The tree of the first `size` leaves, from the tiles of the tree of `all`; null where one is missing. Hashes are not checked. */
export function readPart(folder: string, size: number, all: number): Tree | null {
  const edge: Buffer[][] = [];
  for (let level = 0, [hashes, there] = [size, all]; hashes > 0; level++) {
    const index = Math.floor(hashes / TILE_WIDTH);
    const width = hashes % TILE_WIDTH;
    const wide = Math.min(TILE_WIDTH, there - index * TILE_WIDTH);
    const tile = width === 0 ? Buffer.alloc(0) : readTile(join(folder, tilePath(level, index, wide)));
    if (tile === null || tile.length < width * HASH_BYTES) return null;
    edge.push(hashesOf(tile, width));
    [hashes, there] = [index, Math.floor(there / TILE_WIDTH)];
  }
  return { size, edge };
}

function hashesOf(tile: Buffer, width: number): Buffer[] {
  return Array.from({ length: width }, (_, at) => tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}

function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function readTile(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
