/**
 * The leak check: does any real name, e-mail, phone or address of the shop's customers lie where only tokens may?
 *
 * It reads bytes, not records: the kernel's store and log as they are on disk, the processes' own logs, and the working
 * directories of cells while they live.
 */
import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { CELL_UID_BASE } from "../../kernel/abi/bounds.ts";
import type { Customer } from "./customers.ts";
import { makeNeedles, type Needles } from "./needles.ts";

const CHUNK_BYTES = 4 * 1024 * 1024;
/** An agent may put a link or a pipe in the place of a file while we look: follow none, wait for none. */
const READ_WHAT_IS_THERE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export type Leak = { path: string; at: number; text: string };

export function customerNeedles(customers: readonly Customer[]): Needles {
  return makeNeedles(customers.flatMap(({ name, email, phone, address }) => [name, email, phone, address]));
}

/** Every occurrence in the files below `folders`. A file that goes away while it is read is no leak. */
export function findLeaks(needles: Needles, folders: readonly string[]): Leak[] {
  return folders.flatMap(filesBelow).flatMap((path) => leaksIn(needles, path));
}

function filesBelow(folder: string): string[] {
  return entries(folder).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

function entries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    return gone(error, []);
  }
}

const GONE = new Set(["ENOENT", "ESRCH", "ENOTDIR", "ELOOP"]);

/** What a file or process that has just ended leaves behind is nothing; every other failure is ours. */
function gone<T>(error: unknown, nothing: T): T {
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== undefined && GONE.has(code)) return nothing;
  throw error;
}

/** Chunk by chunk; chunks overlap by less than the longest needle, so that one across a border is found, and once. */
export function leaksIn(needles: Needles, path: string, chunkBytes = CHUNK_BYTES): Leak[] {
  let file: number;
  try {
    file = openSync(path, READ_WHAT_IS_THERE);
  } catch (error) {
    return gone(error, []);
  }
  try {
    return fstatSync(file).isFile() ? scan(needles, file, path, chunkBytes) : [];
  } finally {
    closeSync(file);
  }
}

function scan(needles: Needles, file: number, path: string, chunkBytes: number): Leak[] {
  const buffer = Buffer.allocUnsafe(chunkBytes + needles.bytesMax - 1);
  const leaks: Leak[] = [];
  for (let at = 0; ; at += chunkBytes) {
    const length = readSync(file, buffer, 0, buffer.length, at);
    const found = needles.find(buffer.subarray(0, length)).filter((hit) => hit.at < chunkBytes);
    for (const hit of found) leaks.push({ path, at: at + hit.at, text: hit.text });
    if (length <= chunkBytes) return leaks;
  }
}

/** Places a cell can write to, seen from outside through its processes. */
export function cellFolders(proc = "/proc"): string[] {
  const pids = readdirSync(proc).filter((name) => /^\d+$/.test(name));
  const inCells = pids.filter((pid) => uidOf(`${proc}/${pid}/status`) >= CELL_UID_BASE);
  return inCells.flatMap((pid) =>
    ["work", "tmp", "var/tmp", "dev/shm"].map((folder) => `${proc}/${pid}/root/${folder}`),
  );
}

function uidOf(status: string): number {
  try {
    return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(status, "utf8"))?.[1] ?? 0);
  } catch (error) {
    return gone(error, 0);
  }
}

/** Puts a value where none may be, and says whether the check sees exactly that one. */
export function seesPlanted(needles: Needles, folder: string, value: string): boolean {
  const path = `${folder}/planted-by-the-leak-check`;
  try {
    writeFileSync(path, Buffer.concat([Buffer.from([0, 0xff, 0xc3]), Buffer.from(value), Buffer.from([0xe2, 0])]), {
      flag: "wx",
    });
    return leaksIn(needles, path).length === 1;
  } finally {
    rmSync(path, { force: true });
  }
}

export type CellWatch = {
  /** How often a look was taken, and into how many folders of cells. */
  readonly looks: number;
  readonly folders: number;
  /** Ends the watch and returns what it saw, each leak once. */
  end(): Leak[];
};

/** Looks into the cells' folders every `everyMs` while they live. */
export function watchCells(needles: Needles, everyMs: number, folders: () => string[] = cellFolders): CellWatch {
  const seen = new Map<string, Leak>();
  let [looks, looked] = [0, 0];
  const look = () => {
    const now = folders();
    looks++;
    looked += now.length;
    for (const leak of findLeaks(needles, now)) seen.set(`${leak.path} ${leak.at}`, leak);
  };
  const timer = setInterval(look, everyMs);
  return {
    get looks() {
      return looks;
    },
    get folders() {
      return looked;
    },
    end() {
      clearInterval(timer);
      return [...seen.values()];
    },
  };
}
