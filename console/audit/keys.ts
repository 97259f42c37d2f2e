/**
 * Follows the log from one of its keys to the one that signs now. Where a key was replaced, `handover/N` holds the entry the next one begins with and a
 * checkpoint over it that both have signed.
 *
 * Threat: a key that nobody who knew the one before has vouched for.
 * Contract: a key is believed where the key before it has signed a checkpoint over the entry that names it, and it has signed the same one.
 * Failure: throws `Unproven`.
 */
import { isIncluded, leafHash } from "./merkle.ts";
import { type Checkpoint, fromBase64, keyOf, openCheckpoint, splitNote, Unproven, type Verifier } from "./note.ts";
import { tryRead } from "./tiles.ts";
import { openTree } from "./tree.ts";

/**
 * The key given and those that came after it; `since`: the entry it began with itself, 0 for the log's first key as far as one can see. A hand-over:
 * the checkpoint that both signed, and the key it hands over to.
 */
export type Keys = { keys: Verifier[]; since: number; handovers: Handover[] };
export type Handover = { head: Checkpoint; note: string; next: Verifier };

const FORM = /^entry ([0-9A-Za-z+/=]+)\nindex (0|[1-9][0-9]{0,15})\n\n([\s\S]*)$/;
/** The verb and the only member of such an entry that is looked at: the public half, base64url. */
const KEY_FORM = /^[0-9A-Za-z_-]{43}$/;

type Told = { index: number; entry: Buffer; note: string };

/** `size`: of the log as the folder has it now. */
export function followKeys(folder: string, key: Verifier, size: number): Keys {
  const keys = [key];
  const handovers: Handover[] = [];
  let since = 0;
  for (let n = 0; ; n++) {
    const told = readHandover(folder, n);
    if (told === null) return { keys, since, handovers };
    const signer = keys.at(-1) as Verifier;
    if (!isSigned(told.note, signer)) {
      if (keys.length > 1 || since > 0) throw new Unproven(`handover/${n} is not signed by the key before it.`);
      continue; // of a time before the key that was given
    }
    const next = namedKey(folder, told, signer, size, n);
    const head = openCheckpoint(told.note, next);
    if (next.id.equals(signer.id)) since = told.index;
    else {
      keys.push(next);
      handovers.push({ head, note: told.note, next });
    }
  }
}

/** Whether a note holds a line of that key, right or wrong. */
export function isSigned(note: string, { name, id }: Verifier): boolean {
  return splitNote(note).signatures.some((one) => one.name === name && one.bytes.subarray(0, id.length).equals(id));
}

/** The checkpoint in a note that one of these keys has signed, the latest of them first. */
export function openWithAny(note: string, keys: readonly Verifier[]): Checkpoint {
  const signer = keys.toReversed().find((key) => isSigned(note, key)) ?? (keys[0] as Verifier);
  return openCheckpoint(note, signer);
}

function readHandover(folder: string, n: number): Told | null {
  const text = tryRead(folder, `handover/${n}`)?.toString();
  if (text === undefined) return null;
  const [, entry = "", index = "", note = ""] = FORM.exec(text) ?? [];
  const bytes = fromBase64(entry);
  if (bytes === null) throw new Unproven(`handover/${n} is malformed.`);
  return { entry: bytes, index: Number(index), note };
}

/** The key that the entry names, which is under the checkpoint that `signer` signed, which the log goes on from. */
function namedKey(folder: string, { entry, index, note }: Told, signer: Verifier, size: number, n: number): Verifier {
  const head = openCheckpoint(note, signer);
  const tree = openTree(folder, size);
  if (head.size > size || index >= head.size || !tree.root(0, head.size).equals(head.root))
    throw new Unproven(`The log does not go on from the checkpoint in handover/${n}.`);
  const of = { index, start: 0, end: head.size, root: head.root, proof: tree.inclusion(index, head.size) };
  if (!isIncluded({ ...of, leaf: leafHash(entry) }))
    throw new Unproven(`The entry in handover/${n} is not the one at ${index} of the log.`);
  const named = keyIn(entry.toString(), signer.name);
  if (named === null) throw new Unproven(`The entry in handover/${n} names no key.`);
  return named;
}

/** The key that an entry says signs the log of that name; null where it says nothing of the kind. */
export function keyIn(entry: string, name: string): Verifier | null {
  const { verb, keys } = JSON.parse(entry) as { verb?: unknown; keys?: unknown[] };
  const named = String(keys?.[0]);
  return verb === "log_key" && KEY_FORM.test(named) ? keyOf(name, Buffer.from(named, "base64url")) : null;
}
