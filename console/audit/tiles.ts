/** The files of a log as C2SP tlog-tiles names them, read from a folder. What is missing, short or long is named. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HASH_BYTES } from "./merkle.ts";
import { Unproven } from "./note.ts";

export const TILE_WIDTH = 256;
const LENGTH_BYTES = 2;

export function readLogFile(folder: string, path: string): Buffer {
  const bytes = tryRead(folder, path);
  if (bytes === null) throw new Unproven(`${path} is missing.`);
  return bytes;
}

/** The first `width` hashes of a tile, one behind the other. */
export function readTile(folder: string, level: number, index: number, width: number): Buffer {
  const { path, bytes, isFull } = readWide(folder, String(level), index, width);
  const expected = (isFull ? TILE_WIDTH : width) * HASH_BYTES;
  if (bytes.length !== expected) throw new Unproven(`${path} has ${bytes.length} bytes, not ${expected}.`);
  return bytes.subarray(0, width * HASH_BYTES);
}

/** The first `width` entries of a bundle. */
export function readBundle(folder: string, index: number, width: number): Buffer[] {
  const { path, bytes, isFull } = readWide(folder, "entries", index, width);
  const entries: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const begin = at + LENGTH_BYTES;
    at = begin <= bytes.length ? begin + bytes.readUInt16BE(at) : bytes.length + 1;
    if (at > bytes.length)
      throw new Unproven(`${path} ends in the middle of entry ${index * TILE_WIDTH + entries.length}.`);
    entries.push(bytes.subarray(begin, at));
  }
  const expected = isFull ? TILE_WIDTH : width;
  if (entries.length !== expected) throw new Unproven(`${path} holds ${entries.length} entries, not ${expected}.`);
  return entries.slice(0, width);
}

/** A partial tile goes once the full one is there, which begins with the same. */
function readWide(folder: string, of: string, index: number, width: number) {
  const full = tilePath(of, index, TILE_WIDTH);
  const partial = width === TILE_WIDTH ? null : tryRead(folder, tilePath(of, index, width));
  if (partial !== null) return { path: tilePath(of, index, width), bytes: partial, isFull: false };
  const bytes = tryRead(folder, full);
  if (bytes === null) throw new Unproven(`${tilePath(of, index, width)} is missing.`);
  return { path: full, bytes, isFull: true };
}

export function tryRead(folder: string, path: string): Buffer | null {
  try {
    return readFileSync(join(folder, path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw new Unproven(`${path} cannot be read: ${message}.`);
  }
}

function tilePath(of: string, index: number, width: number): string {
  const groups =
    index
      .toString()
      .padStart(Math.ceil(index.toString().length / 3) * 3, "0")
      .match(/\d{3}/g) ?? [];
  const name = [...groups.slice(0, -1).map((group) => `x${group}`), groups.at(-1)].join("/");
  return `tile/${of}/${name}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}
