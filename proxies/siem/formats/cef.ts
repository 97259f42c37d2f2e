/**
 * CEF (ArcSight Common Event Format, CEF:0): one line an event.
 *
 * Threat: text in an entry that ends the line, or reads as a field of its own.
 * Contract: header and extension are escaped as the format says (`\` and `|`, `\` and `=`, CR and LF as `\r` and `\n`), every other control character
 * is shown as `\\uXXXX`; the entry itself stands last, as `rawEvent`, so that nothing follows what it holds. index, leaf and prev are cn1, cs1, cs2.
 */
import type { Entry } from "../../../kernel/abi/entry.ts";
import type { LogRecord } from "../record.ts";

const PRODUCT = ["SiloOS", "SiloOS"];
/** 0 to 10. */
const SEVERITY = { told: 1, refused: 5, grave: 9 };
const grave = ["cells_halt", "clock_back", "undeliverable"];

export function cef(record: LogRecord, appliance: string): string {
  if (record.kind === "checkpoint") {
    const { size, root, note } = record;
    const pairs = {
      dvchost: appliance,
      act: "checkpoint",
      ...number(1, "size", size),
      ...text(1, "root", root),
      rawEvent: note,
    };
    return line("1", "checkpoint", SEVERITY.told, pairs);
  }
  const { index, leaf, prev, text: raw } = record;
  const entry = JSON.parse(raw) as Entry;
  const { schema, verb } = entry;
  const pairs = {
    rt: entry.time,
    dvchost: appliance,
    act: entry.capability ?? verb,
    outcome: entry.decision ?? entry.outcome,
    reason: entry.code,
    suser: entry.who ?? entry.role,
    spriv: entry.who === undefined ? undefined : entry.role,
    externalId: `${appliance}/${index}`,
    ...number(1, "index", index),
    ...number(2, "step", entry.step),
    ...text(1, "leaf", leaf),
    ...text(2, "prev", prev),
    ...text(3, "task", entry.task),
    ...text(4, "case", entry.case),
    ...text(5, "cell", entry.cell),
    ...text(6, "keys", entry.keys?.join(",")),
    rawEvent: raw,
  };
  return line(String(schema ?? 0), verb, severityOf(entry), pairs);
}

function severityOf({ verb, decision, outcome }: Entry): number {
  if (grave.includes(verb)) return SEVERITY.grave;
  return decision === "refused" || outcome === "refused" ? SEVERITY.refused : SEVERITY.told;
}

type Value = string | number | undefined;

function number(place: number, label: string, value: Value): Record<string, Value> {
  return value === undefined ? {} : { [`cn${place}`]: value, [`cn${place}Label`]: label };
}

function text(place: number, label: string, value: Value): Record<string, Value> {
  return value === undefined ? {} : { [`cs${place}`]: value, [`cs${place}Label`]: label };
}

/** Version, vendor, product, version of the entries, class, name, severity; then the pairs. */
function line(version: string, verb: string, severity: number, pairs: Record<string, Value>): string {
  const header = [...PRODUCT, version, verb, verb.replaceAll("_", " "), String(severity)].map(inHeader);
  const told = Object.entries(pairs).filter(([, value]) => value !== undefined);
  return `CEF:0|${header.join("|")}|${told.map(([name, value]) => `${name}=${inExtension(String(value))}`).join(" ")}`;
}

function inHeader(value: string): string {
  return shown(value.replace(/[\\|]/g, "\\$&").replace(/[\r\n]/g, " "));
}

function inExtension(value: string): string {
  return shown(value.replace(/[\\=]/g, "\\$&").replace(/\r/g, "\\r").replace(/\n/g, "\\n"));
}

/** Control characters have no spelling in CEF and could steer whatever shows the line. JSON's escapes of their halves: `console/audit/received.ts` reads them back. */
function shown(value: string): string {
  return value.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (char) =>
    char
      .split("")
      .map((half) => `\\\\u${half.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
