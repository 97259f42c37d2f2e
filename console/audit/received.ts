/**
 * An event on a line of a receiver's file: one small reader for each body it can have. What they read is proven by whoever asks, or is not believed.
 */
/** Hashes in hex; `raw`: the entry's bytes as they stand in the log. */
export type Received =
  | { kind: "entry"; index: number; leaf: string; prev: string; raw: string }
  | { kind: "checkpoint"; size: number; root: string; note: string };

/** Null where there is no event of that body on the line. */
type Reader = (line: string) => Received | null;

const native: Reader = (line) =>
  objectIn(line, '{"log":', (event) => {
    const { kind } = event as Partial<Received>;
    return kind === "entry" || kind === "checkpoint" ? (event as Received) : null;
  });

const ocsf: Reader = (line) =>
  objectIn(line, '{"category_uid":', (event) => {
    const { raw_data: raw = "", unmapped } = event as { raw_data?: string; unmapped?: Record<string, unknown> };
    if (unmapped === undefined) return null;
    const told = "size" in unmapped ? { kind: "checkpoint", note: raw } : { kind: "entry", raw };
    return { ...unmapped, ...told } as Received;
  });

/** The last object on the line that begins so. An event inside another object ends with the braces of that one. */
function objectIn(line: string, begin: string, read: (event: object) => Received | null): Received | null {
  const at = line.lastIndexOf(begin);
  if (at === -1) return null;
  const rest = line.slice(at);
  for (let end = rest.lastIndexOf("}"); end > 0 && /^}*\s*$/.test(rest.slice(end)); end--) {
    const event = parsed(rest.slice(0, end + 1));
    if (event !== null) return read(event);
  }
  return null;
}

function parsed(text: string): object | null {
  try {
    return Object(JSON.parse(text));
  } catch {
    return null;
  }
}

const CEF = "CEF:0|";
/** The last of its fields: an equals sign inside a value is escaped, so nothing behind it is another. */
const RAW = " rawEvent=";

const cef: Reader = (line) => {
  const at = line.lastIndexOf(RAW);
  const begin = line.lastIndexOf(CEF, Math.max(0, at));
  if (at === -1 || begin === -1) return null;
  const told = line.slice(begin, at);
  const field = (name: string) => new RegExp(` ${name}=([0-9a-z]+)(?= |$)`).exec(told)?.[1] ?? "";
  const raw = line
    .slice(at + RAW.length)
    .trimEnd()
    .replace(/\\([\\=rn])/g, (_, char: string) => ({ r: "\r", n: "\n" })[char] ?? char);
  const count = Number(field("cn1") || "-1");
  return field("cn1Label") === "size"
    ? { kind: "checkpoint", size: count, root: field("cs1"), note: raw }
    : { kind: "entry", index: count, leaf: field("cs1"), prev: field("cs2"), raw: asLogged(raw) };
};

/** What CEF has no spelling for is sent as JSON escapes; canonical JSON, in which the log is, has such for controls, quotes, backslashes and half pairs alone. */
const ESCAPE = /\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|\\u([0-9a-f]{4})|\\./gs;
const [SPACE, HALF_MIN, HALF_MAX] = [0x20, 0xd800, 0xdfff];

function asLogged(json: string): string {
  return json.replace(ESCAPE, (whole, high?: string, low?: string, one?: string) => {
    if (high !== undefined && low !== undefined) return String.fromCharCode(parseInt(high, 16), parseInt(low, 16));
    const code = Number.parseInt(one ?? "0", 16);
    return code < SPACE || (code >= HALF_MIN && code <= HALF_MAX) ? whole : String.fromCharCode(code);
  });
}

const readers = [native, ocsf, cef];

/** The last event that begins on the line: what a receiver was killed in the middle of may stand before it. */
export function receivedIn(line: string): Received | null {
  for (const read of readers) {
    const event = read(line);
    if (event !== null) return event;
  }
  return null;
}
