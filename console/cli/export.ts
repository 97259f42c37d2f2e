/** `silo export status` and `test`: asked of the exporter itself. Who may is a file permission: the socket's folder is root's and the console's. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { destination, pino } from "pino";
import { consoleToSiem, type ExportStatus, type FormatName } from "../../kernel/abi/export.ts";
import type { RequestOf, ValueOf } from "../../kernel/abi/messages.ts";
import { connect } from "../../kernel/process/connect.ts";
import { CommandEnd, doneValue, type Exit, exits } from "./exits.ts";
import type { Output, World } from "./output.ts";
import { findPlaces, type Places, product } from "./places.ts";
import { count, list, localTime } from "./text.ts";

type Table = typeof consoleToSiem;

const OPEN_MS = 5_000;
/** A receiver that is silent is given up before. */
const TEST_MS = 300_000;

export async function exportStatus(world: World): Promise<Output> {
  const status = await ask(findPlaces(world.state), "export_status", OPEN_MS);
  return { json: { ...status, lag: lagOf(status) }, text: showStatus(status) };
}

export async function exportTest(world: World): Promise<Output> {
  const { taken, said } = await ask(findPlaces(world.state), "export_test", TEST_MS);
  if (!taken) throw new CommandEnd(exits.later, `The test event was not taken: ${said}`);
  return { json: { taken, said }, text: `One event was sent, the newest checkpoint: ${said}.` };
}

async function ask<K extends keyof Table>(places: Places, message: K, timeoutMs: number): Promise<ValueOf<Table, K>> {
  const opened = Promise.withResolvers<void>();
  const gone = setTimeout(() => opened.reject(unreachable(places)), OPEN_MS);
  const log = pino({ name: "silo", level: "error" }, destination(2));
  const edge = { from: "console", to: "siem" } as const;
  const client = connect(edge, consoleToSiem, { run: places.run, log, onConnect: opened.resolve });
  try {
    await opened.promise;
    return doneValue(await client.request(message, {} as RequestOf<Table, K>, timeoutMs));
  } finally {
    clearTimeout(gone);
    client.close();
  }
}

function unreachable({ name }: Places): CommandEnd {
  return new CommandEnd(
    exits.later,
    `The exporter does not answer here (${name}): SiloOS is not running, or this is not root.`,
  );
}

function lagOf({ entries, taken }: ExportStatus): number {
  return Math.max(0, entries - taken);
}

export function showStatus(status: ExportStatus): string {
  if (status.to === null) return "Nothing is exported: silo.yaml says 'export: none'.";
  const { to, format, state, problem, since, entries, taken, certain, checkpoint, events, again, failures, dropped } =
    status;
  return [
    `The log goes to ${to} as ${format}: ${state} since ${localTime(since)}`,
    ...(problem === null ? [] : [`  ! ${problem}`]),
    ...(dropped === 0
      ? []
      : [
          `  ! ${count(dropped, "event was", "events were")} DROPPED: this way of sending cannot carry what is so long.`,
        ]),
    "",
    list([
      ["lag", count(lagOf(status), "entry", "entries")],
      ["taken", taken === 0 ? "nothing yet" : `up to #${taken - 1} of ${count(entries, "entry", "entries")}`],
      [
        "last checkpoint taken",
        checkpoint === null ? "none since the start" : `over ${count(checkpoint, "entry", "entries")}`,
      ],
      ["sent again if it breaks", count(taken - certain, "entry", "entries")],
      [
        "since the start",
        `${count(events, "event", "events")} sent, ${again} of them again; ${count(failures, "failure", "failures")}`,
      ],
      ["dropped", dropped],
    ]),
  ].join("\n");
}

export type PrintOptions = { format: FormatName; from: number; key?: string };

/** `silo audit export`: the log as a SIEM would get it, proven as it is read. It asks no running SiloOS. */
export async function auditExport(
  world: World,
  folder: string | undefined,
  { format, from, key }: PrintOptions,
): Promise<null> {
  const place = folder === undefined ? `${findPlaces(world.state).var}/audit` : resolve(folder);
  const argv = [`${product}/proxies/siem/print.ts`, place, format, String(from), ...(key === undefined ? [] : [key])];
  const child = spawn(process.execPath, argv, { stdio: ["ignore", "inherit", "inherit"] });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== exits.done) throw new CommandEnd((code ?? exits.defect) as Exit, "");
  return null;
}
