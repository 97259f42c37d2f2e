/**
 * Which addresses a configured name stands for: pinned, so that who answers names can change them at the pace of the refresher alone,
 * and a name that nobody answers for a while does not cut anybody off. Pure.
 *
 * Threat: an answer that points a name at this machine, its link, or nowhere in particular; a name server that is gone.
 * Contract: addresses of the newest answer, those of the answers of the last LINGER_MS, and nothing else; without an answer the last
 * ones, for KEEP_MS and no longer. Each complaint is a sentence for the log.
 */
import { BlockList, isIP } from "node:net";
import { canonicalAddress } from "../kernel/abi/network.ts";

/** An address that is in no newer answer is let go so long after the last that had it: somebody may be connecting by it. */
export const LINGER_MS = 60_000;
/** A name without an answer keeps its last addresses so long. */
export const KEEP_MS = 24 * 60 * 60 * 1000;
/** Addresses of one name; more are left out, loudly. */
export const ADDRESSES_MAX = 16;

/** What was heard of one name; `error` is the resolver's code. TTL in seconds. */
export type Answer = { addresses: string[]; ttl: number } | { error: string };

/** `seen`: when an answer last had it. `newest`: it is in the newest answer. Milliseconds since 1970. */
export type Pin = { address: string; seen: number; newest: boolean };
export type Pins = Record<string, Pin[]>;

/** One list a family: a BlockList takes an IPv4 address for its mapped form as well. */
const refused = { 4: new BlockList(), 6: new BlockList() };
for (const subnet of ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"]) refuse(4, subnet);
for (const subnet of ["::/96", "::ffff:0:0/96", "fe80::/10", "ff00::/8"]) refuse(6, subnet);

function refuse(family: 4 | 6, subnet: string): void {
  const [network = "", prefix] = subnet.split("/");
  refused[family].addSubnet(network, Number(prefix), `ipv${family}`);
}

function mayBeUsed(address: string): boolean {
  return isIP(address) === 4 ? !refused[4].check(address, "ipv4") : !refused[6].check(address, "ipv6");
}

/** The pins after `answers` to `names` at `now`. Names that are no longer configured are forgotten. */
export function pin(
  before: Pins,
  names: readonly string[],
  answers: Readonly<Record<string, Answer>>,
  now: number,
): { pins: Pins; complaints: string[] } {
  const complaints: string[] = [];
  const pins: Pins = {};
  for (const name of names) {
    const known = (Object.hasOwn(before, name) ? (before[name] as Pin[]) : []).map((one) => ({
      ...one,
      seen: Math.min(one.seen, now),
    }));
    const answer = Object.hasOwn(answers, name) ? (answers[name] as Answer) : { error: "it was not asked" };
    const { addresses, why } = usable(name, answer, complaints);
    pins[name] = addresses.length > 0 ? renewed(known, addresses, now) : kept(name, known, why, now, complaints);
  }
  return { pins, complaints };
}

function usable(name: string, answer: Answer, complaints: string[]): { addresses: string[]; why: string } {
  if ("error" in answer) return { addresses: [], why: answer.error };
  const all = [...new Set(answer.addresses.flatMap((one) => canonicalAddress(one) ?? []))].sort();
  const good = all.filter(mayBeUsed);
  if (good.length < all.length)
    complaints.push(
      `${name}: an answer names this machine, its link or a multicast group; that address is not let through.`,
    );
  if (good.length > ADDRESSES_MAX)
    complaints.push(`${name} has ${good.length} addresses; the first ${ADDRESSES_MAX} are let through.`);
  return { addresses: good.slice(0, ADDRESSES_MAX), why: "no address that may be used" };
}

function renewed(known: readonly Pin[], addresses: readonly string[], now: number): Pin[] {
  const fresh = addresses.map((address) => ({ address, seen: now, newest: true }));
  const lingering = known
    .filter(({ address, seen }) => !addresses.includes(address) && now - seen < LINGER_MS)
    .map((one) => ({ ...one, newest: false }));
  return [...fresh, ...lingering.slice(0, ADDRESSES_MAX)];
}

function kept(name: string, known: readonly Pin[], why: string, now: number, complaints: string[]): Pin[] {
  const last = known.filter(({ newest, seen }) => newest && now - seen < KEEP_MS);
  if (last.length > 0)
    complaints.push(
      `${name} is not answered (${why}): its last addresses stay until ${new Date((last[0] as Pin).seen + KEEP_MS).toISOString()}.`,
    );
  else complaints.push(`${name} is not answered (${why}) and has no address: nobody reaches it.`);
  return last;
}
