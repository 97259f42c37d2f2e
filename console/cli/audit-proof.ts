/** `silo audit verify`, `checkpoint` and `prove`: on a folder of the log, this machine's or a copy. They ask no kernel and run wherever Node does. */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { listCosigned, readWitness, verifyWitness } from "../audit/cosigned.ts";
import { verifyExport } from "../audit/exported.ts";
import { readKey, Unproven, type Verifier } from "../audit/note.ts";
import { verifyProof, writeProof } from "../audit/proof.ts";
import { readLogFile } from "../audit/tiles.ts";
import { CHECKPOINT, keysOf, readHead, verifyEntry, verifyGrowth, verifyLog } from "../audit/verify.ts";
import { CommandEnd, exits } from "./exits.ts";
import type { Output, World } from "./output.ts";
import { findPlaces } from "./places.ts";
import { count, localTime } from "./text.ts";

export type KeyOption = { key?: string };
export type VerifyOptions = KeyOption & {
  checkpoint?: string;
  entry?: number;
  proof?: string;
  fromExport?: string;
  witness?: string[];
};

const KEY = "key";

/** The whole log, or with `--entry` that entry alone; with `--checkpoint` also that it goes on where that one ended. `--proof` needs no folder. */
export async function auditVerify(world: World, folder: string | undefined, options: VerifyOptions): Promise<Output> {
  return proven(async () => {
    if (options.witness !== undefined && (options.proof ?? options.fromExport) !== undefined)
      throw new CommandEnd(
        exits.usage,
        "What witnesses have cosigned lies beside the log: give its folder with --witness.",
      );
    if (options.proof !== undefined) return verifiedProof(options.proof, options.key);
    if (options.fromExport !== undefined) return verifiedExport(options.fromExport, options.key);
    const log = logOf(world, folder, options);
    const before = options.checkpoint === undefined ? null : verifyGrowth(log, readText(options.checkpoint));
    const grown = before === null ? "" : ` They begin with the ${before.size} that the older checkpoint covers.`;
    const cosigned = (options.witness ?? []).map((key) => verifyWitness(log, readWitness(textOf(key))));
    const seen = cosigned
      .map((one) => ` ${one.name} has cosigned the first ${one.size}, ${localTime(one.at)}.`)
      .join("");
    if (options.entry !== undefined) {
      const { head, entry } = verifyEntry(log, options.entry);
      const text = `Entry ${options.entry} of ${head.size} is in the log ${head.origin}:\n${entry}`;
      return {
        json: { ...told(head), index: options.entry, entry: entry.toString(), cosigned },
        text: `${text}${grown}${seen}`,
      };
    }
    const head = await verifyLog(log, availableParallelism());
    const { keys, since } = keysOf(log);
    const after = keys.length === 1 ? "" : ` Signed by ${count(keys.length, "key")}, one after the other.`;
    const from =
      since === 0 ? "" : ` The key given signs since entry ${since}; what is before it was signed by others first.`;
    const text = `${count(head.size, "entry", "entries")} of the log ${head.origin}: each is in its place under the signed root.${after}${from}${grown}${seen}`;
    return {
      json: { ...told(head), keys: keys.length, since, older: before === null ? null : before.size, cosigned },
      text,
    };
  });
}

/** The signed head, as the log has it now. Keep it on another machine: it is the evidence against a log that loses its end. */
export async function auditCheckpoint(world: World, folder: string | undefined, options: KeyOption): Promise<Output> {
  return proven(async () => {
    const log = logOf(world, folder, options);
    const head = readHead(log);
    const note = readLogFile(log.folder, CHECKPOINT).toString();
    const cosigned = listCosigned(log.folder);
    for (const { name, size, at } of cosigned)
      world.note(
        `Cosigned in the name of ${name}: the first ${count(size, "entry", "entries")}, ${localTime(at)}; --witness of verify checks it.`,
      );
    return { json: { ...told(head), checkpoint: note, cosigned }, text: note.trimEnd() };
  });
}

/** One entry with its proof, for whoever has the key and nothing else. */
export async function auditProve(
  world: World,
  index: number,
  folder: string | undefined,
  options: KeyOption,
): Promise<Output> {
  return proven(async () => {
    const log = logOf(world, folder, options);
    const checkpoint = readLogFile(log.folder, CHECKPOINT).toString();
    const { head, entry, proof } = verifyEntry(log, index);
    const text = writeProof({ index, entry, proof, checkpoint });
    return { json: { ...told(head), index, proof: text }, text: text.trimEnd() };
  });
}

function verifiedProof(file: string, key: string | undefined): Output {
  if (key === undefined)
    throw new CommandEnd(exits.usage, "A proof is checked against a key that you have from elsewhere: give --key.");
  const { index, entry, head } = verifyProof(readText(file), keyOf(key));
  const text = `Entry ${index} of ${head.size} is in the log ${head.origin}:\n${entry}`;
  return { json: { ...told(head), index, entry: entry.toString() }, text };
}

function verifiedExport(file: string, key: string | undefined): Output {
  if (key === undefined)
    throw new CommandEnd(exits.usage, "An export is checked against a key that you have from elsewhere: give --key.");
  const verifier = keyOf(key);
  if (!existsSync(file)) throw new CommandEnd(exits.usage, `${file} cannot be read.`);
  const { head, entries, again, checkpoints } = verifyExport(file, verifier);
  const behind = entries - head.size;
  const text =
    `${count(head.size, "entry", "entries")} of the log ${head.origin} are in the file, each in its place under the last of ${count(checkpoints, "checkpoint", "checkpoints")}.` +
    `${again === 0 ? "" : ` ${count(again, "event is", "events are")} there more than once.`}` +
    `${behind === 0 ? "" : ` ${count(behind, "entry", "entries")} behind it are under none yet.`}`;
  return { json: { ...told(head), entries, again, checkpoints }, text };
}

function logOf(world: World, folder: string | undefined, { key }: KeyOption): { folder: string; key: Verifier } {
  const place = folder === undefined ? `${findPlaces(world.state).var}/audit` : resolve(folder);
  if (key !== undefined) return { folder: place, key: keyOf(key) };
  const found = readLogFile(place, KEY).toString().trim();
  world.note(
    `The key was read from the log's own folder, so this says nothing about whose log it is. Give --key "${found}" only if you have it from elsewhere.`,
  );
  return { folder: place, key: readKey(found) };
}

/** A verifier key, or a file that holds one. */
function keyOf(given: string): Verifier {
  return readKey(textOf(given));
}

function textOf(given: string): string {
  return given.includes("+") ? given : readText(given).trim();
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new CommandEnd(exits.usage, `${path} cannot be read.`);
  }
}

function told({ origin, size, root }: ReturnType<typeof readHead>) {
  return { origin, size, root: root.toString("base64") };
}

/** What does not prove itself ends the command like a refusal. */
async function proven(work: () => Promise<Output>): Promise<Output> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Unproven) throw new CommandEnd(exits.refused, `NOT PROVEN: ${error.message}`, "NOT_PROVEN");
    throw error;
  }
}
