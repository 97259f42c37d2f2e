/** `silo doctor` on the system it judges, as root: every probe tries the thing itself. Prints one line a probe; `--json` for programs. */

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { parseArgs } from "node:util";
import { socketPath } from "../../kernel/abi/edges.ts";
import { readSettings } from "../../kernel/abi/settings.ts";
import { ConfigError } from "../../kernel/process/config.ts";
import { exits } from "../cli/exits.ts";
import { readAccounts } from "../up/accounts.ts";
import { isolations, syscallFilter, userNamespaces } from "./cells.ts";
import { cgroups } from "./cgroups.ts";
import { type Finding, holds, type Mode, missing } from "./finding.ts";
import { firewall } from "./firewall.ts";
import { edgesHold, foldersHold } from "./folders.ts";
import { clock, kernelLocked, kernelSettings, programs, randomness, users } from "./host.ts";
import { disk, keyring, port, tpm } from "./keeping.ts";

const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });
const places = { etc: "/etc/silo", var: "/var/silo", run: "/run/silo", state: "/var/silo" };
/** Only an appliance has systemd for its first process: the build root has tini. */
const mode: Mode = readFileSync("/proc/1/comm", "utf8").trim() === "systemd" ? "appliance" : "trial";

const found = await examine();
const bad = found.filter(({ state }) => state === "missing");
console.log(values.json ? JSON.stringify({ mode, findings: found }) : inWords(found));
process.exitCode = bad.length === 0 ? exits.done : exits.refused;

async function examine(): Promise<Finding[]> {
  const accounts = readAccounts();
  const accounted = users(accounts);
  const graph = () => [edgesHold(mode, places, accounts), foldersHold(mode, places, accounts)];
  return [
    programs(),
    accounted,
    userNamespaces(),
    syscallFilter(),
    ...isolations(),
    cgroups(mode),
    await firewall(mode),
    kernelSettings(mode),
    kernelLocked(mode),
    keyring(),
    tpm(mode),
    randomness(),
    await clock(mode),
    disk(mode, places.var),
    ...(accounted.state === "holds" ? graph() : []),
    ...(await configured()),
  ];
}

async function configured(): Promise<Finding[]> {
  try {
    const settings = readSettings(places);
    return [holds("settings", "silo.yaml can be read"), await port(settings, await isRunning())];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [missing("settings", error.message, "mend the file; nothing starts with it")];
  }
}

async function isRunning(): Promise<boolean> {
  const socket = createConnection(socketPath(places.run, "kernel", "console"));
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function inWords(all: readonly Finding[]): string {
  const width = Math.max(...all.map(({ probe }) => probe.length));
  const lines = all.flatMap(({ probe, state, means, todo }) => [
    `${state.padEnd("lowered".length)}  ${probe.padEnd(width)}  ${means}`,
    ...(todo === null ? [] : [`${" ".repeat("lowered".length + width + 4)}-> ${todo}`]),
  ]);
  const count = (state: Finding["state"]) => all.filter((one) => one.state === state).length;
  return [
    ...lines,
    "",
    `${count("holds")} hold, ${count("lowered")} lowered, ${count("missing")} missing (mode: ${mode}).`,
  ].join("\n");
}
