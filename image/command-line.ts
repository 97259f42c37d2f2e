/** The kernel's command line as image/cmdline has it: one option a line, each with its reason. */

/** @returns the options in their order, separated by spaces; throws at a line that has no reason. */
export function commandLine(text: string): string {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map(option).join(" ");
}

function option(line: string): string {
  const found = /^(\S+) +# \S/.exec(line);
  if (found === null) throw new Error(`image/cmdline: '${line}' is not an option and its reason.`);
  return found[1] as string;
}
