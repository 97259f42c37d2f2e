/** What outlives a run: pins, so that a boot without name servers reaches what the last one did; and the hosts file processes read. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Type } from "typebox";
import { parseExact } from "../kernel/abi/json.ts";
import { compile } from "../kernel/process/schema.ts";
import type { Pins } from "./pins.ts";

/** Below `/var/silo` and `/run/silo`. */
export const PINS = "firewall/pins.json";
export const HOSTS = "firewall/hosts";

const check = compile(
  Type.Record(
    Type.String(),
    Type.Array(
      Type.Object(
        { address: Type.String(), seen: Type.Integer({ minimum: 0 }), newest: Type.Boolean() },
        { additionalProperties: false },
      ),
    ),
  ),
);

/** No pins where there is no file, or one that was not written whole. */
export function readPins(path: string): Pins {
  if (!existsSync(path)) return {};
  try {
    const pins = check(parseExact(readFileSync(path, "utf8")));
    return pins.ok ? pins.value : {};
  } catch {
    return {};
  }
}

export function writePins(path: string, pins: Pins): void {
  replace(path, JSON.stringify(pins), 0o600);
}

/** hosts(5): the newest addresses of every name. Who may not ask a name server finds them here. */
export function writeHosts(path: string, pins: Pins): void {
  const lines = Object.entries(pins).flatMap(([name, all]) =>
    all.filter(({ newest }) => newest).map(({ address }) => `${address} ${name}\n`),
  );
  replace(path, ["127.0.0.1 localhost\n::1 localhost\n", ...lines].join(""), 0o644);
}

function replace(path: string, text: string, mode: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(`${path}.new`, text, { mode, flush: true });
  renameSync(`${path}.new`, path);
}
