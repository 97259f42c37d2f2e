/** Units of this checkout as systemd reads them (systemd.unit(5)): the file, then its drop-ins, of which the nearest of each name counts. */
import { existsSync, readdirSync, readFileSync } from "node:fs";

export const UNITS = new URL("../../systemd/system/", import.meta.url).pathname;

/** Every value of a setting, in order; an empty one has taken back those before it. */
export type Unit = (setting: string) => string[];

/** The processes' units: `silo-NAME.service`. */
export function readUnit(name: string): Unit {
  const lines = [`${UNITS}${name}`, ...dropIns(name)].flatMap((path) => settings(readFileSync(path, "utf8")));
  return (setting) => {
    const values = lines.filter(([key]) => key === setting).map(([, value]) => value);
    return values.slice(values.lastIndexOf("") + 1);
  };
}

/** A setting that is a list of words, over all its lines. */
export function words(unit: Unit, setting: string): string[] {
  return unit(setting).flatMap((value) => value.split(/\s+/));
}

/** Of one value, the last line counts. */
export function last(unit: Unit, setting: string): string | undefined {
  return unit(setting).at(-1);
}

function dropIns(name: string): string[] {
  const general = name.replace(/-[^-]*\.service$/, "-.service");
  const found = new Map<string, string>();
  for (const folder of [`${UNITS}${general}.d/`, `${UNITS}${name}.d/`])
    for (const file of existsSync(folder) ? readdirSync(folder) : []) found.set(file, folder + file);
  return [...found].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, path]) => path);
}

function settings(text: string): [string, string][] {
  const lines = text.split("\n").filter((line) => line.includes("=") && !line.startsWith("#"));
  return lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1).trim()]);
}
