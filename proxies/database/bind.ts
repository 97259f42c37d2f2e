/**
 * Named parameters of declared SQL: `:name` becomes `$n`, so that a value is only ever a bound parameter.
 *
 * Threat: a name inside a string, an identifier or a comment is taken for a parameter, or a parameter for text, and what a cell
 * sends becomes SQL.
 * Contract: knows PostgreSQL's lexical forms (strings, E-strings, quoted names, dollar quotes, nested comments, casts) and changes
 * nothing but parameters. One statement; no positional parameters of its own.
 * Failure: throws `BindError` with the place; the process does not start.
 */

/** Text for the server, and for each `$n` in order the name of what is bound there. */
export type Bound = { text: string; names: readonly string[] };

export class BindError extends Error {
  override name = "BindError";
}

const NAME = /:([a-z][a-z0-9_]*)/y;
/** What is copied as it stands. An E-string before a word, as its E is one; a cast before a name. */
const COPIED = [
  /[eE]'(?:[^'\\]|\\.|'')*'/sy,
  /'(?:[^']|'')*'/y,
  /"(?:[^"]|"")*"/y,
  /\$([A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$.*?\$\1\$/sy,
  /--[^\n]*/y,
  /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y,
  /[0-9][\w.]*/y,
  /::|:=/y,
];
/** What only stands there when a form above was never closed, or is not allowed. */
const REFUSED: Readonly<Record<string, string>> = {
  "'": "a string is not closed",
  '"': "a quoted name is not closed",
  $: "positional parameters and open dollar quotes are not allowed",
  ";": "it must be one statement",
  "\0": "U+0000 is not SQL",
};

/** Rewrites one declared statement. The same name is the same parameter. Throws `BindError`. */
export function bindNames(sql: string): Bound {
  const names: string[] = [];
  let text = "";
  for (let at = 0; at < sql.length; ) {
    const copied = commentAt(sql, at) ?? firstMatch(sql, at);
    const name = copied === undefined ? matchAt(NAME, sql, at)?.[1] : undefined;
    if (name !== undefined && !names.includes(name)) names.push(name);
    text += name === undefined ? (copied ?? other(sql, at)) : `$${names.indexOf(name) + 1}`;
    at += name === undefined ? (copied?.length ?? 1) : name.length + 1;
  }
  return { text: text.trim(), names };
}

function firstMatch(sql: string, at: number): string | undefined {
  for (const form of COPIED) {
    const found = matchAt(form, sql, at);
    if (found !== null) return found[0];
  }
  return undefined;
}

function matchAt(form: RegExp, sql: string, at: number): RegExpExecArray | null {
  form.lastIndex = at;
  return form.exec(sql);
}

/** The block comment that begins at `at`; they nest. */
function commentAt(sql: string, at: number): string | undefined {
  if (!sql.startsWith("/*", at)) return undefined;
  let depth = 0;
  for (let end = at; end < sql.length; end++) {
    const pair = sql.slice(end, end + 2);
    if (pair !== "/*" && pair !== "*/") continue;
    depth += pair === "/*" ? 1 : -1;
    end++;
    if (depth === 0) return sql.slice(at, end + 1);
  }
  throw new BindError(`At character ${at + 1}: a comment is not closed.`);
}

function other(sql: string, at: number): string {
  const char = sql[at] ?? "";
  const fault = REFUSED[char];
  if (fault !== undefined) throw new BindError(`At character ${at + 1}: ${fault}.`);
  return char;
}
