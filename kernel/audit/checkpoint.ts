/** The signed head of the log: a C2SP tlog-checkpoint without extension lines. */
import { type LogKey, noteOf, type PublicLogKey } from "./note.ts";
import { rootOf, type Tree } from "./tree.ts";

/** `root`: base64. `note`: as it is published. */
export type Head = { size: number; root: string; note: string };

/** `others` sign the same text behind the log's key. */
export function signHead(key: LogKey, tree: Tree, others: readonly Pick<LogKey, "line">[] = []): Head {
  const root = rootOf(tree).toString("base64");
  return { size: tree.size, root, note: noteOf(`${key.name}\n${tree.size}\n${root}\n`, [key, ...others]) };
}

/** Reads a note back; null where this key did not sign it for its own log. */
export function readHead(key: PublicLogKey, note: string): Head | null {
  const [origin, size, root, end] = key.open(note)?.split("\n") ?? [];
  if (origin !== key.name || size === undefined || root === undefined || end !== "") return null;
  return { size: Number(size), root, note };
}
