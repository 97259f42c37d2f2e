/**
 * Exact JSON: what strangers send is parsed once, and only one reading of it is possible.
 *
 * Threat: two readers of the same bytes see different things (duplicate members, `-0`, numbers that do not survive a
 * round trip, half a surrogate pair, `__proto__`), or deep nesting exhausts a stack.
 * Contract: `parseExact` returns a value whose canonical form every process agrees on; everything else is refused.
 * Failure: throws `InexactJson` with a sentence; the caller answers with a refusal.
 */
import { hash } from "node:crypto";
import { JSON_DEPTH_MAX } from "./bounds.ts";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

export class InexactJson extends Error {
  override name = "InexactJson";
}

const QUOTED_CHARS_MAX = 64;
/** A double within the range never needs more than 24; the bound keeps the comparison below from being an attack. */
const NUMBER_CHARS_MAX = 64;
const FORBIDDEN_NAMES = new Set(["__proto__", "constructor", "prototype"]);

/** Parses `text` (RFC 8259). Throws `InexactJson` on anything two parsers could read differently. */
export function parseExact(text: string, depthMax = JSON_DEPTH_MAX): Json {
  refuseAmbiguous(text, depthMax);
  try {
    return JSON.parse(text, refuseInexact) as Json;
  } catch (error) {
    if (error instanceof InexactJson) throw error;
    throw new InexactJson("The body is not JSON.");
  }
}

function refuseInexact(name: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === "string" && !value.isWellFormed()) {
    throw new InexactJson(`The text at ${quote(name)} holds half a surrogate pair.`);
  }
  if (typeof value === "number" && !isExact(value, context?.source ?? "")) {
    throw new InexactJson(`The number at ${quote(name)} is out of range.`);
  }
  return value;
}

/** Whether `source` spells exactly `value`: `1.50` does; `1e-400`, `-0` and `9007199254740993` do not. */
function isExact(value: number, source: string): boolean {
  if (source.length > NUMBER_CHARS_MAX) return false;
  if (Object.is(value, -0) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return false;
  return significant(source) === significant(String(value));
}

/**
 * The digits of a decimal without the zeros at either end. A double is so near to the source it was read from that where the digits of
 * both are the same, so are sign and power of ten.
 */
function significant(source: string): string {
  return source
    .replace(/e.*/i, "")
    .replace(/[-.]/g, "")
    .replace(/^0+|0+$/g, "");
}

/** A stranger's name inside a sentence: enough to find the place, never enough to fill a message. */
function quote(name: string): string {
  return JSON.stringify(name.slice(0, QUOTED_CHARS_MAX));
}

/** Walks the text once, before JSON.parse: depth, duplicate and prototype names. Syntax itself is JSON.parse's to judge. */
function refuseAmbiguous(text: string, depthMax: number): void {
  const open: (Set<string> | null)[] = [];
  /** Of the object whose next text is a member's name. */
  let names: Set<string> | null = null;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "{" || char === "[") {
      if (open.length === depthMax) throw new InexactJson(`The body nests deeper than ${depthMax}.`);
      names = char === "{" ? new Set() : null;
      open.push(names);
    } else if (char === "}" || char === "]") {
      open.pop();
    } else if (char === ",") {
      names = open.at(-1) ?? null;
    } else if (char === '"') {
      const end = endOfString(text, at);
      if (names !== null) noteName(names, text.slice(at, end + 1));
      names = null;
      at = end;
    }
  }
}

/** Where the text that starts there ends; behind the whole where it does not end. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
  }
  return text.length;
}

function noteName(names: Set<string>, quoted: string): void {
  const name = decodeName(quoted);
  if (FORBIDDEN_NAMES.has(name)) throw new InexactJson(`The member name ${quote(name)} is not allowed.`);
  if (!name.isWellFormed()) throw new InexactJson("A member name holds half a surrogate pair.");
  if (names.has(name)) throw new InexactJson(`The member ${quote(name)} appears twice.`);
  names.add(name);
}

function decodeName(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw new InexactJson("The body is not JSON.");
  }
}

/** Canonical JSON (RFC 8785 for the values `parseExact` lets through): member names sorted by UTF-16 code unit, no space. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name] as Json)}`);
  return `{${members.join(",")}}`;
}

/** SHA-256 of the canonical form, lower-case hex (64 characters). */
export function digest(value: Json): string {
  return hash("sha256", canonical(value));
}
