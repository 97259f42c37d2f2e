/** What people read: aligned tables, local times, money-free plain words. Pure. */

export type Cell = string | number | null;

/** Columns as wide as their widest cell; numbers to the right; the last column is never padded. */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => shown(row[column]).length)));
  const line = (row: readonly Cell[]) =>
    row
      .map((cell, column) => pad(cell, widths[column] as number))
      .join("  ")
      .trimEnd();
  return all.map(line).join("\n");
}

function pad(cell: Cell, width: number): string {
  return typeof cell === "number" ? shown(cell).padStart(width) : shown(cell).padEnd(width);
}

function shown(cell: Cell | undefined): string {
  return cell === null || cell === undefined ? "-" : printable(String(cell));
}

/** Names and values under each other. */
export function list(pairs: readonly (readonly [string, Cell])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${shown(value)}`).join("\n");
}

/** `2026-11-22 19:20:04`, in the time zone of whoever reads it. */
export function localTime(ms: number): string {
  const at = new Date(ms);
  const two = (part: number) => String(part).padStart(2, "0");
  const date = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${date} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")}`;
}

export function count(of: number, one: string, many = `${one}s`): string {
  return `${of} ${of === 1 ? one : many}`;
}

/** Agents write what is shown here: control characters, which could steer a terminal, become visible. */
export function printable(text: string, keep = ""): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (char) =>
    keep.includes(char) ? char : `\\u${(char.codePointAt(0) as number).toString(16).padStart(4, "0")}`,
  );
}

/** A text of several lines, set in under a heading. */
export function block(heading: string, text: string): string {
  const lines = printable(text, "\n").split("\n");
  return [heading, ...lines.map((line) => `  ${line}`.trimEnd())].join("\n");
}
