/** What stands on the machine's own screen (systemd/system/silo-status.service): read-only, made anew every few seconds. */
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import manifest from "../../package.json" with { type: "json" };
import { services } from "../up/processes.ts";
import { addresses } from "./addresses.ts";
import { type Found, page, type Unit } from "./page.ts";
import { run } from "./run.ts";

const REFRESH_MS = 5_000;
const TRUST = "/run/silo/trust";
const RECOVERY_KEY = "/run/silo-disk/recovery-key";
const CONFIRMED = "/var/silo/console/recovery-confirmed";
/** Steps of a boot, beside the processes. */
const STEPS = ["disk", "firewall", "unseal"];
const NAMES = [...STEPS, ...services.map(({ name }) => name)];

let shown = "";
for (;;) {
  const text = page(look());
  if (text !== shown) process.stdout.write(text);
  shown = text;
  await delay(REFRESH_MS);
}

function look(): Found {
  const trust = read(TRUST);
  return {
    version: manifest.version,
    mode: /^SILO_MODE=(.*)$/m.exec(trust ?? "")?.[1] ?? null,
    lowered: (/^SILO_LOWERED="([^"]*)"/m.exec(trust ?? "")?.[1] ?? "").split("\n").filter(Boolean),
    addresses: addresses(),
    units: units(),
    recoveryKey: read(RECOVERY_KEY)?.trim() ?? null,
    isRecoveryConfirmed: existsSync(CONFIRMED),
  };
}

function units(): Unit[] {
  const properties = "--property=ActiveState,SubState,StatusText";
  const shown = run(["systemctl", "show", properties, ...NAMES.map((name) => `silo-${name}.service`)]).toString();
  return shown.split("\n\n").map((block, at) => {
    const value = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(block)?.[1] ?? "";
    return { name: NAMES[at] ?? "", state: value("ActiveState"), sub: value("SubState"), status: value("StatusText") };
  });
}

function read(path: string): string | null {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}
