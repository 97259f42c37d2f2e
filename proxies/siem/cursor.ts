/**
 * Up to where the receiver has everything, on disk.
 *
 * Threat: a crash leaves a cursor ahead of what was taken, and events are lost; or none, and a year is sent again.
 * Contract: it is replaced whole and flushed, after what it says is true. It holds the tree of what was exported, so that a log that no longer
 * begins with it is found out, and the key that signed it.
 * Failure: a cursor that cannot be read is a `ConfigError` that says what to do; it is never begun anew by itself.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Static, Type } from "typebox";
import { ConfigError } from "../../kernel/process/config.ts";
import { compile } from "../../kernel/process/schema.ts";
import { beginning, type Position } from "./read.ts";

const Hash = Type.String({ pattern: "^[0-9a-f]{64}$" });
const Count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const CursorFile = Type.Object(
  {
    version: Type.Literal(1),
    /** Entries that were taken, the tree of them, and the leaf hash of the last. */
    size: Count,
    roots: Type.Array(Hash, { maxItems: 53 }),
    prev: Hash,
    /** SHA-256 of the last checkpoint that was taken; null where it has to be sent again. */
    checkpoint: Type.Union([Hash, Type.Null()]),
    /** The verifier key that signs this log. */
    key: Type.String({ maxLength: 1024 }),
    dropped: Count,
  },
  { additionalProperties: false },
);
type CursorFile = Static<typeof CursorFile>;

export type Cursor = Pick<CursorFile, "checkpoint" | "key" | "dropped"> & { position: Position };

const check = compile(CursorFile);
/** The group may read it: the kernel removes no entry that was not exported. */
const FILE_MODE = 0o640;

/** Null where nothing was exported yet. */
export function readCursor(path: string): Cursor | null {
  if (!existsSync(path)) return null;
  const checked = check(parsed(path));
  if (!checked.ok)
    throw new ConfigError(
      `${path} is damaged (${checked.why}). Remove it to send the whole log again; receivers know entries by their index.`,
    );
  const { size, roots, prev, checkpoint, key, dropped } = checked.value;
  return {
    position: { edge: { size, roots: roots.map((root) => Buffer.from(root, "hex")) }, prev },
    checkpoint,
    key,
    dropped,
  };
}

function parsed(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}

export function newCursor(key: string): Cursor {
  return { position: beginning, checkpoint: null, key, dropped: 0 };
}

/** On disk when it returns. */
export function writeCursor(path: string, { position, ...rest }: Cursor): void {
  const { edge, prev } = position;
  const file: CursorFile = {
    version: 1,
    size: edge.size,
    roots: edge.roots.map((root) => root.toString("hex")),
    prev,
    ...rest,
  };
  writeFileSync(`${path}.new`, `${JSON.stringify(file)}\n`, { mode: FILE_MODE, flush: true });
  renameSync(`${path}.new`, path);
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
}
