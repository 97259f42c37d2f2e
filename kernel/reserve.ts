/**
 * Whether the disk may be written, and space that is kept for the time when it is full: a file of zeros beside the store, removed when it is needed.
 *
 * Contract: `fault` is null only where FLOOR_BYTES are free, and where a disk that has not been written since the start or since its last fault has just
 * taken a small file. `make` is true only when the reserve is there whole, flushed, with blocks of its own; it begins only where SLACK_BYTES more are
 * free, so that making it takes nothing that is about to be needed.
 * Failure: a sentence, false; a file that is not whole does not stay.
 */
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { join } from "node:path";

export type Reserve = {
  make(): Promise<boolean>;
  isThere(): boolean;
  /** Gives the space to whoever writes next. */
  release(): void;
  /** Why nothing may be written now. */
  fault(): { code: "DISK_FULL" | "DISK_FAULT"; why: string } | null;
};

/** What ends the cells that run, and days of a log that only says it has stopped. */
const RESERVE_BYTES = 32 * 1024 * 1024;
const SLACK_BYTES = 8 * 1024 * 1024;
/** More than one group of decisions writes. */
const FLOOR_BYTES = 4 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const TRIED_BYTES = 4096;
const BLOCK_BYTES = 512; // of st_blocks, stat(2)

export function openReserve(folder: string, bytes = RESERVE_BYTES): Reserve {
  const path = join(folder, "reserve");
  let isDoubtful = true;

  function isThere(): boolean {
    const found = statSync(path, { throwIfNoEntry: false });
    return found?.size === bytes && found.blocks * BLOCK_BYTES >= bytes;
  }

  function free(): number {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  }

  return {
    isThere,
    async make() {
      if (isThere()) return true;
      if (free() < bytes + SLACK_BYTES) return false;
      try {
        await fill(`${path}.new`, bytes);
        await rename(`${path}.new`, path);
      } catch {
        await rm(`${path}.new`, { force: true });
      }
      return isThere();
    },
    release: () => rmSync(path, { force: true }),
    fault() {
      const isFull = free() < FLOOR_BYTES;
      const refusal = isFull ? "no space is left" : isDoubtful ? tryWriting(`${path}.try`) : null;
      isDoubtful = refusal !== null;
      return refusal === null ? null : { code: isFull ? "DISK_FULL" : "DISK_FAULT", why: refusal };
    },
  };
}

async function fill(path: string, bytes: number): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    const zeros = Buffer.alloc(CHUNK_BYTES);
    for (let left = bytes; left > 0; left -= CHUNK_BYTES) await file.write(zeros, 0, Math.min(left, CHUNK_BYTES));
    await file.sync();
  } finally {
    await file.close();
  }
}

/** What the system says to a small file; null where it takes it. */
function tryWriting(path: string): string | null {
  try {
    const file = openSync(path, "w", 0o600);
    try {
      writeSync(file, Buffer.alloc(TRIED_BYTES));
      fsyncSync(file);
    } finally {
      closeSync(file);
      rmSync(path, { force: true });
    }
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
