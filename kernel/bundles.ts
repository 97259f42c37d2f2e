/**
 * Bundles: approved agent folders, kept under the digest of their content, read-only. Cells run these and never the folder.
 *
 * Contract: a bundle appears under its digest complete and durable, or not at all, and is never changed.
 * Failure: *later* when the disk does not take it; BUNDLE_INVALID when what is kept under that digest is something else.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { done, type End, later, refused } from "./abi/ends.ts";
import { type Folder, readFolder } from "./folder.ts";

const DRAFT = ".draft";
const FILE_MODE = 0o444;
const FOLDER_MODE = 0o555;

/** Keeps `folder` below `bundles` (`/var/silo/bundles`); settles when it is durable. */
export function keepBundle(folder: Folder, bundles: string): End<null> {
  const target = join(bundles, folder.digest);
  if (existsSync(target)) return checkKept(target, folder.digest);
  const draft = join(bundles, DRAFT);
  try {
    removeDraft(draft);
    writeDraft(folder, draft);
    renameSync(draft, target);
    syncPath(bundles);
    return done(null);
  } catch (error) {
    return later(`The bundle could not be kept (${(error as NodeJS.ErrnoException).code}).`);
  }
}

function checkKept(target: string, digest: string): End<null> {
  const kept = readFolder(target);
  if (kept.end === "done" && kept.value.digest === digest) return done(null);
  return refused("BUNDLE_INVALID", `What is kept under the digest ${digest} is damaged. Remove it and approve again.`);
}

function writeDraft(folder: Folder, draft: string): void {
  const folders = new Set([draft]);
  for (const { path } of folder.files) {
    for (let at = dirname(path); at !== "."; at = dirname(at)) folders.add(join(draft, at));
  }
  const outermostFirst = [...folders].sort((a, b) => a.length - b.length);
  for (const path of outermostFirst) mkdirSync(path, { mode: 0o755 });
  for (const { path, bytes } of folder.files) writeFile(join(draft, path), bytes);
  for (const path of outermostFirst.reverse()) {
    chmodSync(path, FOLDER_MODE);
    syncPath(path);
  }
}

function writeFile(path: string, bytes: Buffer): void {
  const fd = openSync(path, "wx", FILE_MODE);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    chmodSync(path, FILE_MODE);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncPath(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** What a crash left of an earlier attempt. Its directories may already be read-only. */
function removeDraft(draft: string): void {
  if (!existsSync(draft)) return;
  openUp(draft);
  rmSync(draft, { recursive: true });
}

function openUp(path: string): void {
  chmodSync(path, 0o755);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) openUp(join(path, entry.name));
  }
}
