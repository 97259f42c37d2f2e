/**
 * The keys of the open cases: one file of fixed-size slots, each holding one case's key wrapped with the vault's master key.
 *
 * Threat: a forgotten case comes back (a removed value stays readable in freed pages or a backup of a database), or a key that is in use was
 * never durable, so that a crash makes an accepted task unreadable.
 * Contract: `create` settles after the key is on disk. `destroy` overwrites the slot in place and settles after that is on disk. A slot
 * opens only at its own place, for its own case, under the same master key.
 * Failure: a slot whose checksum is wrong was being written when the machine stopped: its key was never used, or was being destroyed; it
 * is overwritten and free. A whole slot that does not open means another master key: throws `MasterKeyError`, the process must not start.
 */
import { createCipheriv, createDecipheriv, createHash } from "node:crypto";
import { closeSync, fdatasync, fstatSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { RandomBytes } from "./case-seal.ts";

export class MasterKeyError extends Error {
  override name = "MasterKeyError";
}

export const SLOT_BYTES = 128;
/** The file grows by so many slots at once. */
export const CHUNK_SLOTS = 1024;

const CIPHER = "aes-256-gcm";
const CHECKSUM_BYTES = 32;
const CASE_BYTES = 21;
const NONCE_BYTES = 12;
const KEY_BYTES = 32;
const TAG_BYTES = 16;
const NONCE_AT = CHECKSUM_BYTES + CASE_BYTES;
const KEY_AT = NONCE_AT + NONCE_BYTES;
const TAG_AT = KEY_AT + KEY_BYTES;
const EMPTY = Buffer.alloc(SLOT_BYTES);

export type CaseKeys = {
  /** A new key for a case that has none; settles when it is durable. Rejects when the disk does not take it. */
  create(caseId: string): Promise<Buffer>;
  /** The key of an open case. */
  get(caseId: string): Buffer | undefined;
  /** Forgets the case; settles when its slot has been overwritten on disk. Nothing happens for an unknown case. */
  destroy(caseId: string): Promise<void>;
  /** How many cases have a key. */
  readonly size: number;
  /** Slots found half written at the start, and cleared. */
  readonly torn: number;
  close(): void;
};

/** Opens (or makes) the slot file. `master`: 32 bytes. Throws `MasterKeyError`, or what the disk throws. */
export function openCaseKeys(path: string, master: Uint8Array, random: RandomBytes): CaseKeys {
  const fd = openFile(path);
  const places = new Map<string, number>();
  const free: number[] = [];
  const torn: number[] = [];
  const durable = groupSync(fd);
  let slots = Math.floor(fstatSync(fd).size / SLOT_BYTES);

  for (let index = 0; index < slots; index++) {
    const slot = readSlot(index);
    const caseId = slot.equals(EMPTY) ? undefined : caseOf(slot);
    if (caseId !== undefined) keep(index, caseId, slot);
    else if (slot.equals(EMPTY)) free.push(index);
    else torn.push(index);
  }
  for (const index of torn) writeAt(fd, EMPTY, index);
  if (torn.length > 0) fsyncSync(fd);
  free.push(...torn);

  return {
    async create(caseId) {
      if (places.has(caseId)) throw new Error("The case has a key already.");
      if (free.length === 0) grow();
      const index = free.pop() as number;
      const key = Buffer.from(random(KEY_BYTES));
      writeAt(fd, wrap(master, index, caseId, key, random(NONCE_BYTES)), index);
      await durable();
      places.set(caseId, index);
      return key;
    },
    get(caseId) {
      const index = places.get(caseId);
      return index === undefined ? undefined : unwrap(master, index, caseId, readSlot(index));
    },
    async destroy(caseId) {
      const index = places.get(caseId);
      if (index === undefined) return durable(); // an earlier request may have it in hand
      places.delete(caseId);
      writeAt(fd, EMPTY, index);
      await durable();
      free.push(index);
    },
    get size() {
      return places.size;
    },
    torn: torn.length,
    close: () => closeSync(fd),
  };

  function keep(index: number, caseId: string, slot: Buffer): void {
    if (unwrap(master, index, caseId, slot) === undefined)
      throw new MasterKeyError(
        `${path} was written under another master key. Restore that key, or begin with an empty state.`,
      );
    places.set(caseId, index);
  }

  function readSlot(index: number): Buffer {
    const slot = Buffer.alloc(SLOT_BYTES);
    readSync(fd, slot, 0, SLOT_BYTES, index * SLOT_BYTES);
    return slot;
  }

  function grow(): void {
    writeAt(fd, Buffer.alloc(CHUNK_SLOTS * SLOT_BYTES), slots);
    fsyncSync(fd);
    for (let index = slots + CHUNK_SLOTS - 1; index >= slots; index--) free.push(index);
    slots += CHUNK_SLOTS;
  }
}

/** Writes whole or throws; a disk that is full stops here, before anything was accepted. */
function writeAt(fd: number, bytes: Buffer, index: number): void {
  let written = 0;
  while (written < bytes.length)
    written += writeSync(fd, bytes, written, bytes.length - written, index * SLOT_BYTES + written);
}

/** Opens the file for one writer, and makes its name durable too. */
function openFile(path: string): number {
  const fd = openOrMake(path);
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
  return fd;
}

function openOrMake(path: string): number {
  try {
    return openSync(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return openSync(path, "wx+", 0o600);
  }
}

/** What was written before the call is on disk when it settles; calls of one moment share one fdatasync(2). */
function groupSync(fd: number): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= running.then(() => {
      running = next as Promise<void>;
      next = undefined;
      return new Promise((resolve, reject) => fdatasync(fd, (error) => (error ? reject(error) : resolve())));
    });
    return next;
  };
}

function wrap(master: Uint8Array, index: number, caseId: string, key: Buffer, nonce: Uint8Array): Buffer {
  const slot = Buffer.alloc(SLOT_BYTES);
  slot.write(caseId, CHECKSUM_BYTES, CASE_BYTES, "latin1");
  slot.set(nonce, NONCE_AT);
  const cipher = createCipheriv(CIPHER, master, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(bound(index, caseId));
  slot.set(cipher.update(key), KEY_AT);
  cipher.final();
  slot.set(cipher.getAuthTag(), TAG_AT);
  slot.set(checksum(slot), 0);
  return slot;
}

function unwrap(master: Uint8Array, index: number, caseId: string, slot: Buffer): Buffer | undefined {
  const decipher = createDecipheriv(CIPHER, master, slot.subarray(NONCE_AT, KEY_AT), { authTagLength: TAG_BYTES });
  decipher.setAAD(bound(index, caseId));
  decipher.setAuthTag(slot.subarray(TAG_AT, TAG_AT + TAG_BYTES));
  const key = decipher.update(slot.subarray(KEY_AT, TAG_AT));
  try {
    decipher.final();
    return key;
  } catch {
    return undefined;
  }
}

/** The case a whole slot belongs to; undefined where the slot was never written whole. */
function caseOf(slot: Buffer): string | undefined {
  if (!checksum(slot).equals(slot.subarray(0, CHECKSUM_BYTES))) return undefined;
  return slot.toString("latin1", CHECKSUM_BYTES, NONCE_AT);
}

function checksum(slot: Buffer): Buffer {
  return createHash("sha256").update(slot.subarray(CHECKSUM_BYTES)).digest();
}

function bound(index: number, caseId: string): Buffer {
  return Buffer.from(`silo case key\0${index}\0${caseId}`);
}
