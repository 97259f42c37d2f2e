/**
 * The order of the firewall: load the frame and everything that is known, ask names, change what changed, again after a while.
 * There is no moment without it: the whole is loaded in one transaction, and what is in force is changed only where it differs.
 */

import { closedNetwork } from "../kernel/abi/network.ts";
import { readSettings, type Settings } from "../kernel/abi/settings.ts";
import type { Directories } from "../kernel/process/config.ts";
import { ask } from "./ask.ts";
import { change, type Elements, elementsOf, fill, namesOf } from "./elements.ts";
import { hostUsers } from "./host.ts";
import { inForce } from "./intact.ts";
import { HOSTS, PINS, readPins, writeHosts, writePins } from "./kept.ts";
import { nameServers } from "./name-servers.ts";
import { FirewallError, frame, load, loadedElements } from "./nft.ts";
import { type Answer, type Pins, pin } from "./pins.ts";

/** Names are asked again after the shortest TTL, but not before the one and not after the other. */
export const REFRESH_MS_MIN = 30_000;
export const REFRESH_MS_MAX = 15 * 60_000;

type Dirs = Pick<Directories, "etc" | "var" | "run">;

/** What configuration and pins ask for; `pins` are those on disk where none are given. */
export function wanted(dirs: Dirs, settings: Settings = readSettings(dirs), pins?: Pins): Elements {
  const network = settings.network ?? closedNetwork;
  return elementsOf({
    ...{ network, http: settings.http, nameServers: nameServers(network), users: hostUsers() },
    pins: pins ?? readPins(`${dirs.var}/${PINS}`),
  });
}

/** Frame and elements as one transaction's statements. */
export function whole(elements: Elements): string {
  return frame() + fill(elements);
}

/**
 * Puts the firewall in force. Where its rules are in force already only elements change, for loading the whole drops what crosses at
 * that instant: a new chain begins with its policy. Throws `ConfigError` or `FirewallError`, and then nothing has changed.
 */
export async function apply(dirs: Dirs): Promise<void> {
  const elements = wanted(dirs);
  const before = (await inForce()) === "intact" ? loadedElements() : undefined;
  if (before === undefined) load(whole(elements));
  else replace(before, elements);
}

function replace(before: Elements, after: Elements): void {
  const statements = change(before, after);
  if (statements !== "") load(statements);
}

export type Refreshed = { complaints: string[]; again_ms: number };

/** Asks every name and changes what changed. Throws as `apply` does. */
export function refresh(dirs: Dirs, now: number, asking: typeof ask = ask): Refreshed {
  const settings = readSettings(dirs);
  const network = settings.network ?? closedNetwork;
  const names = namesOf(network);
  const answers = asking(names, nameServers(network));
  const { pins, complaints } = pin(readPins(`${dirs.var}/${PINS}`), names, answers, now);
  const before = loadedElements();
  if (before === undefined) throw new FirewallError("The firewall is not loaded: silo firewall apply.");
  replace(before, wanted(dirs, settings, pins));
  writeHosts(`${dirs.run}/${HOSTS}`, pins);
  writePins(`${dirs.var}/${PINS}`, pins);
  return { complaints, again_ms: pause(Object.values(answers)) };
}

function pause(answers: readonly Answer[]): number {
  const shortest = Math.min(...answers.map((answer) => ("ttl" in answer ? answer.ttl * 1000 : 0)), REFRESH_MS_MAX);
  return Math.max(shortest, REFRESH_MS_MIN);
}
