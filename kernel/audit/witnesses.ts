/**
 * Checkpoints that witnesses have cosigned, brought by an administrator: kept in the store, and published as `cosigned/SIZE` beside the log.
 *
 * Threat: what outsiders take for a witness's word is none: wrong, of another log, of another time, of nobody we know; or so much of it that the
 * disk fills.
 * Contract: a cosignature is kept only where its checkpoint is one that this log signed and its tree still has, and the witness in `silo.yaml` signed
 * exactly it, after its last entry and not in the future; with it stands an entry with who brought it. At most COSIGNED_MAX checkpoints are kept; the
 * latest word of each witness is never the one that goes.
 * Failure: COSIGNED_MALFORMED, CHECKPOINT_FOREIGN, WITNESS_UNKNOWN, COSIGNATURE_WRONG, COSIGNATURE_TIME, COSIGNATURE_TWICE; nothing is kept then.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { done, type End, later, refused } from "../abi/ends.ts";
import type { Entry } from "../abi/entry.ts";
import type { Witness } from "../abi/witness.ts";
import { type Core, note } from "../core.ts";
import { readHead } from "./checkpoint.ts";
import { type Brought, cosignedAt, isOf, lineOf, readNote } from "./cosignature.ts";
import type { LogKeys } from "./keys.ts";
import * as tiles from "./tiles.ts";
import { rootOf } from "./tree.ts";

/** What a witness said of the first `size` entries; `at` in ms. */
type Cosignature = { witness: string; size: number; at: number };

export type Witnesses = {
  /** Takes what is new in a cosigned checkpoint. Settles when it is durable. */
  take(brought: string, who: string): Promise<End<{ taken: Cosignature[] }>>;
  /** Publishes what is not; settles when that has been tried. */
  tend(): Promise<void>;
};

type Parts = {
  core: Pick<Core, "store" | "commit" | "now">;
  folder: string;
  keys: Pick<LogKeys, "current" | "earlier">;
  witnesses: readonly Witness[];
  /** Entries under the last checkpoint. */
  published: () => number;
};

type Kept = { size: number; note: string };
type Found = Cosignature & { key: string; line: string };

/** Cosigned checkpoints that are kept; more than there are witnesses. */
export const COSIGNED_MAX = 64;
/** How far a witness's clock may be from ours. */
export const SKEW_MS = 5 * 60_000;
/** In the store: those that are kept, the smallest first. */
const KEPT = "audit_cosigned";
const FOLDER = "cosigned";

export function openWitnesses({ core, folder, keys, witnesses, published }: Parts): Witnesses {
  const { store } = core;
  let isPublished = false;
  let tending: Promise<void> | null = null;

  const kept = () => (store.meta.get(KEPT) as Kept[] | undefined) ?? [];

  /** The checkpoint with this log's own signatures alone, where it is one that the log still holds to. */
  function confirmed(given: string, { text, signatures }: Brought): End<Kept> {
    const own = [...keys.earlier(), keys.current()];
    const signed = signatures
      .map((one) => `${text}\n${lineOf(one)}`)
      .filter((one) => own.some((key) => key.open(one) !== null));
    const head = own.map((key) => readHead(key, given)).find((read) => read !== null);
    if (head === undefined || signed.length === 0)
      return refused("CHECKPOINT_FOREIGN", `No key of the log ${keys.current().name} has signed that checkpoint.`);
    if (head.size === 0 || head.size > published())
      return refused(
        "CHECKPOINT_FOREIGN",
        `It covers ${head.size} entries, and the log has ${published()} under a checkpoint.`,
      );
    const tree = tiles.readPart(folder, head.size, published());
    if (tree === null) return later("The tiles of the log are being made again.");
    if (rootOf(tree).toString("base64") !== head.root)
      return refused("CHECKPOINT_FOREIGN", `The first ${head.size} entries of the log are not those that it covers.`);
    return done({ size: head.size, note: `${text}\n${signed.map((one) => one.slice(text.length + 1)).join("")}` });
  }

  /** What the witnesses have said of it. */
  function cosignatures({ text, signatures }: Brought, size: number): End<Found[]> {
    const found: Found[] = [];
    for (const witness of witnesses) {
      const theirs = signatures.filter((one) => isOf(one, witness));
      if (theirs.length > 1) return refused("COSIGNATURE_TWICE", `${witness.name} has signed it twice.`);
      const [signature] = theirs;
      if (signature === undefined) continue;
      const seconds = cosignedAt(text, signature, witness);
      if (seconds === null) return refused("COSIGNATURE_WRONG", `${witness.name} has not signed this text.`);
      const at = Number(seconds) * 1000;
      const wrong = wrongTime(at, timeOf(size - 1), core.now());
      if (wrong !== null) return refused("COSIGNATURE_TIME", `${witness.name} says it signed ${wrong}.`);
      found.push({ witness: witness.name, size, at, key: witness.public, line: lineOf(signature) });
    }
    return found.length === 0 ? refused("WITNESS_UNKNOWN") : done(found);
  }

  function timeOf(index: number): number {
    return (JSON.parse(store.audit.get(index)?.entry ?? "{}") as Entry).time;
  }

  /** Inside a transaction: those that were new. */
  function keep(checkpoint: Kept, found: readonly Found[], who: string): Found[] {
    const before = kept();
    const same = before.find(({ size }) => size === checkpoint.size) ?? checkpoint;
    const fresh = found.filter(({ key }) => !speakers(same).includes(key));
    if (fresh.length === 0) return [];
    const grown = { size: same.size, note: same.note + fresh.map(({ line }) => line).join("") };
    const all = [...before.filter((one) => one !== same), grown].toSorted((one, other) => one.size - other.size);
    store.meta.put(KEPT, bounded(all));
    for (const { key, size } of fresh) note(core, "cosign", { who, keys: [key], size });
    isPublished = false;
    return fresh;
  }

  /** The keys of the witnesses that have signed it. */
  function speakers(one: Kept): string[] {
    const signatures = readNote(one.note)?.signatures ?? [];
    return witnesses
      .filter((witness) => signatures.some((line) => isOf(line, witness)))
      .map((witness) => witness.public);
  }

  /** Without the oldest that says no witness's latest word. */
  function bounded(all: Kept[]): Kept[] {
    if (all.length <= COSIGNED_MAX) return all;
    const isLatest = (key: string, at: number) => !all.slice(at + 1).some((one) => speakers(one).includes(key));
    const spare = all.findIndex((one, at) => !speakers(one).some((key) => isLatest(key, at)));
    return all.toSpliced(spare, 1);
  }

  async function publish(): Promise<void> {
    isPublished = true; // what is kept from here on comes in another turn
    const files = kept().map(({ size, note: text }) => ({ path: `${FOLDER}/${size}`, bytes: Buffer.from(text) }));
    await tiles.write(
      folder,
      files.filter(({ path, bytes }) => tiles.readText(folder, path) !== bytes.toString()),
    );
    const there = files.length === 0 ? [] : await readdir(join(folder, FOLDER));
    const stale = there.filter((name) => !files.some(({ path }) => path === `${FOLDER}/${name}`));
    for (const name of stale) await rm(join(folder, FOLDER, name));
  }

  return {
    async take(brought, who) {
      const read = readNote(brought);
      if (read === null) return refused("COSIGNED_MALFORMED");
      const checkpoint = confirmed(brought, read);
      if (checkpoint.end !== "done") return checkpoint;
      const found = cosignatures(read, checkpoint.value.size);
      if (found.end !== "done") return found;
      const fresh = await core.commit(() => keep(checkpoint.value, found.value, who));
      return fresh.length === 0
        ? refused("COSIGNATURE_TWICE")
        : done({ taken: fresh.map(({ witness, size, at }) => ({ witness, size, at })) });
    },
    async tend() {
      if (isPublished) return;
      tending ??= publish()
        .catch(() => {
          isPublished = false;
        })
        .finally(() => {
          tending = null;
        });
      await tending;
    },
  };
}

/** `at` of a cosignature over entries up to one of the time `last`; null where it can be. */
function wrongTime(at: number, last: number, now: number): string | null {
  if (at > now + SKEW_MS) return "in the future";
  return at < last - SKEW_MS ? "before the last entry that the checkpoint covers" : null;
}
