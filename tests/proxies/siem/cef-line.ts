/** Reads CEF as the format says, and knows nothing of how the lines were made. */

/** Header and fields of a CEF line. A key stands at the beginning or after a blank, before an `=` that no backslash precedes. */
export function readCef(line: string): { header: string[]; fields: Record<string, string> } {
  const header: string[] = [""];
  let at = 0;
  for (; header.length < 8; at++) {
    const char = line[at] ?? "";
    if (char === "") throw new Error("The header is cut off.");
    if (char === "\\") header[header.length - 1] += line[++at] ?? "";
    else if (char === "|") header.push("");
    else header[header.length - 1] += char;
  }
  header.pop();
  const rest = line.slice(at);
  const keys = [...rest.matchAll(/(?:^| )([a-zA-Z0-9_.]+)=/g)];
  const fields: Record<string, string> = {};
  for (const [place, key] of keys.entries()) {
    const begin = (key.index ?? 0) + key[0].length;
    const value = rest.slice(begin, keys[place + 1]?.index);
    if (Object.hasOwn(fields, key[1] as string)) throw new Error(`The field ${key[1]} is there twice.`);
    fields[key[1] as string] = value.replace(
      /\\([\\=nr])/g,
      (_, char) => ({ n: "\n", r: "\r" })[char as string] ?? char,
    );
  }
  return { header, fields };
}
