/** What the sets of silo.nft are filled with, and how one filling becomes another. Pure. */
import { isIP } from "node:net";
import { type Caller, callers, type Destination, type Network, parseDestination } from "../kernel/abi/network.ts";
import type { Settings } from "../kernel/abi/settings.ts";
import type { hostUsers } from "./host.ts";
import type { Pins } from "./pins.ts";

/** Set -> its elements, as nft(8) writes and reads them with numbers only: `192.0.2.1 . 6 . 25`. */
export type Elements = Readonly<Record<string, readonly string[]>>;

const PROTOCOL = { tcp: 6, udp: 17 } as const;
const DNS_PORT = 53;
const HOST_SETS = ["clock_users", "network_users"] as const;

/** Names among the destinations, each once. */
export function namesOf(network: Network): string[] {
  const hosts = callers.flatMap((caller) => destinationsOf(network, caller)).map(({ host }) => host);
  return [...new Set(hosts.filter((host) => isIP(host) === 0))].sort();
}

export function destinationsOf({ destinations }: Network, caller: Caller): Destination[] {
  return (destinations[caller] ?? []).flatMap((text) => parseDestination(text) ?? []);
}

/** All sets of the frame, those without an element too. `nameServers` are addresses. */
export function elementsOf(given: {
  network: Network;
  http: Settings["http"];
  pins: Pins;
  nameServers: readonly string[];
  users: ReturnType<typeof hostUsers>;
}): Elements {
  const { network, http, pins, nameServers, users } = given;
  const sets: Record<string, string[]> = {};
  for (const caller of callers) {
    const ends = destinationsOf(network, caller).flatMap(({ host, port, protocol }) =>
      addressesOf(host, pins).map((address) => ({ address, port, protocol })),
    );
    Object.assign(sets, byFamily(caller, ends));
  }
  const servers = nameServers.flatMap((address) =>
    (["udp", "tcp"] as const).map((protocol) => ({ address, port: DNS_PORT, protocol })),
  );
  Object.assign(sets, byFamily("resolver", servers));
  sets["front_door"] = network.interfaces.map((name) => `"${name}" . ${http.port}`);
  sets["front_door_port"] = [String(http.port)];
  for (const set of HOST_SETS) sets[set] = users.filter((user) => user.set === set).map(({ uid }) => String(uid));
  return sets;
}

function addressesOf(host: string, pins: Pins): string[] {
  if (isIP(host) !== 0) return [host];
  return Object.hasOwn(pins, host) ? (pins[host] ?? []).map(({ address }) => address) : [];
}

type End = { address: string; port: number; protocol: keyof typeof PROTOCOL };

function byFamily(name: string, ends: readonly End[]): Record<string, string[]> {
  const of = (family: 4 | 6) => [
    ...new Set(
      ends
        .filter(({ address }) => isIP(address) === family)
        .map(({ address, port, protocol }) => `${address} . ${PROTOCOL[protocol]} . ${port}`),
    ),
  ];
  return { [`${name}4`]: of(4), [`${name}6`]: of(6) };
}

/** Statements that fill empty sets. */
export function fill(elements: Elements): string {
  return Object.entries(elements)
    .map(([set, all]) => statement("add", set, all))
    .join("");
}

/**
 * Statements that make `from` into `to`, for one transaction. What is in both is not touched, so there is no instant without it;
 * nothing is removed before what replaces it is there.
 */
export function change(from: Elements, to: Elements): string {
  const without = (set: string, all: readonly string[], other: Elements) =>
    all.filter((element) => !other[set]?.includes(element));
  const added = Object.entries(to).map(([set, all]) => statement("add", set, without(set, all, from)));
  const removed = Object.entries(from).map(([set, all]) => statement("delete", set, without(set, all, to)));
  return [...added, ...removed].join("");
}

function statement(verb: "add" | "delete", set: string, elements: readonly string[]): string {
  return elements.length === 0 ? "" : `${verb} element inet silo ${set} { ${elements.join(", ")} }\n`;
}
