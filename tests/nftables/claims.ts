/** What a configured firewall is to let through and to stop, as data. */
import type { Network } from "../../kernel/abi/network.ts";
import type { Rig, Target } from "./rig.ts";

export const FRONT = 8443;

export const network: Network = {
  interfaces: ["m0"],
  resolver: ["10.9.0.2"],
  destinations: {
    database: ["10.9.0.2:5432", "[2001:db8:9::2]:5432"],
    email: ["mail.example.com:25", "127.0.0.1:2525"],
    sms: ["10.9.0.3:2775"],
    siem: ["10.9.0.3:6514"],
  },
};

export type Claim = Target & { from: "machine" | "outside" | "beyond"; reached: boolean };

const [ROOT, INGRESS, CONSOLE, DATABASE, EMAIL, KV, SMS, RESOLVER, SIEM, NOBODY] = [
  0, 703, 705, 706, 707, 708, 709, 710, 711, 65_534,
];
const RIGHT = "10.9.0.2";
const RIGHT6 = "2001:db8:9::2";
const FOREIGN = "10.9.0.3";
const FOREIGN6 = "2001:db8:9::3";

const out = (uid: number, protocol: "tcp" | "udp", address: string, port: number, reached: boolean): Claim => ({
  ...{ from: "machine" as const, uid, protocol, address, port, reached },
});
const into = (from: "outside" | "beyond", address: string, port: number, reached: boolean): Claim => ({
  ...{ from, uid: ROOT, protocol: "tcp" as const, address, port, reached },
});

export const claims: readonly Claim[] = [
  out(EMAIL, "tcp", RIGHT, 25, true),
  out(EMAIL, "tcp", RIGHT6, 25, true),
  out(EMAIL, "tcp", "127.0.0.1", 2525, true),
  out(EMAIL, "udp", RIGHT, 25, false),
  out(EMAIL, "tcp", RIGHT, 26, false),
  out(EMAIL, "tcp", FOREIGN, 25, false),
  out(EMAIL, "tcp", FOREIGN6, 25, false),
  out(EMAIL, "tcp", RIGHT, 5432, false),
  out(EMAIL, "udp", RIGHT, 53, false),
  out(EMAIL, "tcp", "127.0.0.1", FRONT, false),
  out(DATABASE, "tcp", RIGHT, 5432, true),
  out(DATABASE, "tcp", RIGHT6, 5432, true),
  out(DATABASE, "tcp", RIGHT, 25, false),
  out(SMS, "tcp", FOREIGN, 2775, true),
  out(SMS, "tcp", RIGHT, 2775, false),
  out(SIEM, "tcp", FOREIGN, 6514, true),
  out(SIEM, "tcp", RIGHT, 6514, false),
  out(RESOLVER, "udp", RIGHT, 53, true),
  out(RESOLVER, "tcp", RIGHT, 53, true),
  out(RESOLVER, "tcp", FOREIGN, 53, false),
  out(CONSOLE, "tcp", "127.0.0.1", FRONT, true),
  out(CONSOLE, "tcp", RIGHT, FRONT, false),
  ...[ROOT, INGRESS, KV, NOBODY].flatMap((uid) => [
    out(uid, "tcp", RIGHT, 25, false),
    out(uid, "tcp", RIGHT6, 5432, false),
    out(uid, "udp", RIGHT, 53, false),
    out(uid, "tcp", "127.0.0.1", 2525, false),
  ]),
  into("outside", "10.9.0.1", FRONT, true),
  into("outside", "2001:db8:9::1", FRONT, true),
  into("outside", "10.9.0.1", 8444, false),
  into("outside", "10.9.0.1", 2525, false),
  into("beyond", "10.8.0.1", FRONT, false),
];

/** The same claims with what is so. Neighbours are forgotten first: they must be found through the firewall. */
export function told(rig: Rig, expected: readonly Claim[]): Claim[] {
  for (const where of ["machine", "outside"] as const) rig.ip(where, "neighbour", "flush", "all");
  const found = [...expected];
  for (const from of ["machine", "outside", "beyond"] as const) {
    const own = expected.map((claim, place) => ({ claim, place })).filter(({ claim }) => claim.from === from);
    if (own.length === 0) continue;
    const reached = rig.reach(
      from,
      own.map(({ claim }) => claim),
    );
    for (const [index, { claim, place }] of own.entries())
      found[place] = { ...claim, reached: reached[index] === true };
  }
  return found;
}
