/**
 * Where things are, and how a process reads what it was given. Directories follow systemd's variables so that a unit and
 * `silo up` start a process the same way.
 */
import { hash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Static, TSchema } from "typebox";
import { type Document, isMap, isScalar, LineCounter, parseDocument } from "yaml";
import type { Check } from "./schema.ts";

export type Directories = {
  /** Defaults, read-only: `/etc/silo`. */
  etc: string;
  /** State: `/var/silo`. */
  var: string;
  /** Sockets: `/run/silo`. */
  run: string;
  /** This process's credentials: one file each, readable by it alone. */
  credentials: string;
};

export function directories(env: NodeJS.ProcessEnv): Directories {
  return {
    etc: "/etc/silo",
    var: "/var/silo",
    run: "/run/silo",
    credentials: env["CREDENTIALS_DIRECTORY"] ?? "/run/silo/credentials/none",
  };
}

export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Reads a credential. Throws `ConfigError` with what to do when it is missing. */
export function credential(dirs: Pick<Directories, "credentials">, name: string): Buffer {
  try {
    return readFileSync(join(dirs.credentials, name));
  } catch {
    throw new ConfigError(`The credential ${name} is missing from ${dirs.credentials}.`);
  }
}

/**
 * Reads `NAME` from `/var/silo/config` where an administrator has set it, else from `/etc/silo`. Missing and malformed are
 * different errors; both stop the process.
 */
export function readYaml<S extends TSchema>(
  dirs: Pick<Directories, "etc" | "var">,
  name: string,
  check: Check<S>,
): Static<S> {
  const path = inForce(dirs, name);
  return parseYaml(readText(path), path, check);
}

function inForce(dirs: Pick<Directories, "etc" | "var">, name: string): string {
  const set = join(dirs.var, "config", name);
  return isThere(set) ? set : join(dirs.etc, name);
}

/** SHA-256 of the file that `readYaml` reads, lower-case hex. */
export function digestOfFile(dirs: Pick<Directories, "etc" | "var">, name: string): string {
  return hash("sha256", readText(inForce(dirs, name)));
}

/** SHA-256 of the files that `readYamlFolder` reads, one behind the other; lower-case hex. */
export function digestOfFolder(dirs: Pick<Directories, "etc">, folder: string): string {
  return hash("sha256", yamlIn(join(dirs.etc, folder)).map(readText).join(""));
}

/** All `*.yaml` of a folder of the defaults, in name order. */
export function readYamlFolder<S extends TSchema>(
  dirs: Pick<Directories, "etc">,
  folder: string,
  check: Check<S>,
): Static<S>[] {
  return yamlIn(join(dirs.etc, folder)).map((path) => parseYaml(readText(path), path, check));
}

function yamlIn(folder: string): string[] {
  const names = namesIn(folder).filter((name) => name.endsWith(".yaml"));
  return names.sort().map((name) => join(folder, name));
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    throw new ConfigError(`${path} is missing or cannot be read.`);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new ConfigError(`${path} is missing or cannot be read.`);
  }
}

/** A folder that may not be looked into is not an absent file: falling back to the defaults would undo what was set. */
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    throw new ConfigError(`${path} cannot be read.`);
  }
}

/** YAML 1.2 core, unique keys, no aliases. Errors name file, line and column: `policy.yaml:3:7: …`. */
export function parseYaml<S extends TSchema>(text: string, file: string, check: Check<S>): Static<S> {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    strict: true,
    merge: false,
    logLevel: "error",
  });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new ConfigError(`${file}:${line}:${col}: ${fault.message.split("\n")[0]}`);
  }
  const value = plain(document, file);
  const checked = check(value);
  if (checked.ok) return checked.value;
  throw new ConfigError(`${file}:${place(checked.why)}: ${checked.why}`);

  function place(why: string): string {
    const { path, spare } = pointer(why);
    const key = spare === undefined ? undefined : keyNode(document, path, spare);
    if (key !== undefined) return position(key);
    for (let depth = path.length; depth > 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as Placed | undefined;
      if (node?.range) return position(node);
    }
    return "1:1";
  }

  function position({ range }: Placed): string {
    const { line, col } = lines.linePos(range?.[0] ?? 0);
    return `${line}:${col}`;
  }
}

type Placed = { range?: [number, number, number] | null };

/** The name of a member that should not be there. */
function keyNode(document: Document, path: readonly string[], name: string): Placed | undefined {
  const map = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isMap(map)) return undefined;
  return map.items.map(({ key }) => key).find((key) => isScalar(key) && String(key.value) === name) as
    | Placed
    | undefined;
}

function plain(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw new ConfigError(`${file}:1:1: Aliases (*name) are not allowed.`);
  }
}

/** What a fault names: the place, and the name of a member there that should not be. */
function pointer(why: string): { path: string[]; spare: string | undefined } {
  const place = /^(\/\S*)/.exec(why)?.[1] ?? "";
  const path = place
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const spare = /\(("(?:[^"\\]|\\.)*")\)$/.exec(why)?.[1];
  return { path, spare: spare === undefined ? undefined : (JSON.parse(spare) as string) };
}
