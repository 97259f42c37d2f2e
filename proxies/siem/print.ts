/** `print.ts FOLDER FORMAT FROM [KEY]`: the published log on standard output, a line an event, proven as it is read; its end is the checkpoint. */
import { once } from "node:events";
import { Unproven } from "../../console/audit/note.ts";
import { formats } from "./formats.ts";
import { checkpointOf, positionBefore, publishedKey, readHead, readPortion } from "./read.ts";
import type { Format } from "./record.ts";

const EXIT = { usage: 2, refused: 3 } as const;

async function print(folder: string, format: Format, from: number, given: string | undefined): Promise<void> {
  const key = given ?? publishedKey(folder);
  const head = key === null ? null : readHead(folder, key);
  if (head === null) throw new Unproven(`${folder} holds no log.`);
  if (from > head.size)
    throw new Unproven(`There is no entry ${from}: the checkpoint covers ${head.size}, counted from 0.`);
  const { origin, size, handovers } = head;
  for (let at = positionBefore(folder, head, from); at.edge.size < size; ) {
    const { records, after } = readPortion(folder, head, at);
    const lines = records
      .filter((record) => record.kind === "entry" && record.index >= from)
      .map((record) => `${format(record, origin)}\n`);
    await out(lines.join(""));
    at = after;
  }
  for (const one of [...handovers.map((handover) => handover.head), head])
    await out(`${format(checkpointOf(one), origin)}\n`);
}

async function out(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 70));
const [folder = "", name = "", from = "", key] = process.argv.slice(2);
const format = (formats as Record<string, Format>)[name];
if (format === undefined) {
  console.error(`There is no body ${name}: ${Object.keys(formats).join(", ")}.`);
  process.exit(EXIT.usage);
}
try {
  await print(folder, format, Number(from), key);
} catch (error) {
  if (!(error instanceof Unproven)) throw error;
  console.error(`NOT PROVEN: ${error.message}`);
  process.exitCode = EXIT.refused;
}
