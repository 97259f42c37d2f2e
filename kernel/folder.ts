/**
 * An agent folder as it arrived: read whole, once, into memory. What is judged, shown, hashed and kept are the same bytes.
 *
 * Threat: whoever drops the folder makes the kernel read something else (links, mounts swapped in while it looks), hang (fifo), fill
 * its memory (huge or endless files, endless folders), or take names that mean something else later.
 * Contract: only plain files with one name each, in plain directories, with plain names, within the bounds below. Nothing is opened
 * for reading before it is known to be a plain file, and it is reached from the opened directory, never again by its path.
 * Failure: BUNDLE_INVALID with a sentence that names the entry. Compiled leftovers (`__pycache__`) are left out; nothing else is.
 */
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, opendirSync, openSync, readSync, type Stats } from "node:fs";
import { done, type End, refused } from "./abi/ends.ts";
import { digest } from "./abi/json.ts";

export type FolderFile = { path: string; sha256: string; bytes: Buffer };
/** `digest` names the content: it is that of the sorted (path, SHA-256) list. */
export type Folder = { digest: string; files: FolderFile[] };

export const FILES_MAX = 256;
export const FILE_BYTES_MAX = 1024 * 1024;
export const FOLDER_BYTES_MAX = 4 * 1024 * 1024;
/** Directories below the folder, one in another. */
export const DEPTH_MAX = 4;
/** Files and directories in one directory, so that an endless one is not read to its end. */
export const ENTRIES_MAX = 256;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;
const LEFT_OUT = "__pycache__";
const REQUIRED = ["main.py", "policy.yaml"];
/** open(2): a handle that names an entry without opening it. Not among Node's constants. */
const O_PATH = 0o10000000;

class Unfit extends Error {}

/** Reads the folder at `path`. BUNDLE_INVALID. */
export function readFolder(path: string): End<Folder> {
  try {
    const files: FolderFile[] = [];
    withEntry(path, (fd, stats) => {
      if (!stats.isDirectory()) throw new Unfit("It is not a folder.");
      readDirectory(fd, "", 0, files);
    });
    const missing = REQUIRED.find((name) => !files.some((file) => file.path === name));
    if (missing !== undefined) throw new Unfit(`${missing} is missing.`);
    files.sort((a, b) => (a.path < b.path ? -1 : 1));
    return done({ digest: digest(files.map((file) => [file.path, file.sha256])), files });
  } catch (error) {
    if (error instanceof Unfit) return refused("BUNDLE_INVALID", error.message);
    return refused(
      "BUNDLE_INVALID",
      `The folder cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"}).`,
    );
  }
}

function readDirectory(fd: number, prefix: string, depth: number, files: FolderFile[]): void {
  for (const name of namesIn(fd, prefix)) {
    if (name === LEFT_OUT) continue;
    if (!NAME.test(name)) throw new Unfit(`The name ${JSON.stringify(prefix + name.slice(0, 64))} is not allowed.`);
    const path = prefix + name;
    withEntry(`/proc/self/fd/${fd}/${name}`, (entry, stats) => {
      if (stats.isDirectory()) {
        if (depth === DEPTH_MAX) throw new Unfit(`${path} lies deeper than ${DEPTH_MAX} folders.`);
        readDirectory(entry, `${path}/`, depth + 1, files);
      } else files.push(readFile(entry, path, stats, files));
    });
  }
}

function namesIn(fd: number, prefix: string): string[] {
  const directory = opendirSync(`/proc/self/fd/${fd}`);
  try {
    const names: string[] = [];
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      if (names.length === ENTRIES_MAX)
        throw new Unfit(`${prefix || "The folder"} has more than ${ENTRIES_MAX} entries.`);
      names.push(entry.name);
    }
    return names;
  } finally {
    directory.closeSync();
  }
}

function readFile(fd: number, path: string, stats: Stats, before: readonly FolderFile[]): FolderFile {
  if (!stats.isFile()) throw new Unfit(`${path} is a link or a special file.`);
  if (stats.nlink !== 1) throw new Unfit(`${path} is a hard link: it has another name elsewhere.`);
  if (before.length === FILES_MAX) throw new Unfit(`There are more than ${FILES_MAX} files.`);
  const bytes = readBytes(fd, path, stats.size);
  const total = before.reduce((sum, file) => sum + file.bytes.length, bytes.length);
  if (total > FOLDER_BYTES_MAX) throw new Unfit(`The files are larger than ${FOLDER_BYTES_MAX} bytes together.`);
  return { path, sha256: createHash("sha256").update(bytes).digest("hex"), bytes };
}

/** At most one byte more than a file may have, and than it was said to have. */
function readBytes(entry: number, path: string, size: number): Buffer {
  const fd = openSync(`/proc/self/fd/${entry}`, constants.O_RDONLY);
  try {
    const buffer = Buffer.alloc(Math.min(size, FILE_BYTES_MAX) + 1);
    let filled = 0;
    for (let read = -1; read !== 0 && filled < buffer.length; filled += read) {
      read = readSync(fd, buffer, filled, buffer.length - filled, null);
    }
    if (filled > FILE_BYTES_MAX) throw new Unfit(`${path} is larger than ${FILE_BYTES_MAX} bytes.`);
    if (filled > size) throw new Unfit(`${path} grows while it is read.`);
    return buffer.subarray(0, filled);
  } finally {
    closeSync(fd);
  }
}

function withEntry(path: string, use: (fd: number, stats: Stats) => void): void {
  const fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  try {
    use(fd, fstatSync(fd));
  } finally {
    closeSync(fd);
  }
}
