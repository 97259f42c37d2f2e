/** What an administrator says of the network in `silo.yaml`: who may connect where, who answers names, where frontends come in. */
import { isIP, SocketAddress } from "node:net";
import { type Static, Type } from "typebox";

/** Destinations of one caller, and numbers of name servers and interfaces. */
export const DESTINATIONS_MAX = 32;
export const NAME_SERVERS_MAX = 3;
export const INTERFACES_MAX = 16;

/** Who may be given destinations: proxies that reach out, the exporter among them, and `clock`, which is the machine's own chrony. */
export const callers = ["database", "email", "sms", "siem", "clock"] as const;
export type Caller = (typeof callers)[number];

const List = Type.Optional(
  Type.Array(Type.String({ minLength: 1, maxLength: 270 }), { maxItems: DESTINATIONS_MAX, uniqueItems: true }),
);

export const Network = Type.Object(
  {
    /** Interfaces frontends come in by; none: this machine alone reaches its front door. */
    interfaces: Type.Array(Type.String({ pattern: "^[A-Za-z0-9._-]{1,15}$" }), {
      maxItems: INTERFACES_MAX,
      uniqueItems: true,
    }),
    /** Name servers that are asked for the names below, as addresses; `system`: those of resolv.conf(5). */
    resolver: Type.Union([
      Type.Literal("system"),
      Type.Array(Type.String({ minLength: 1, maxLength: 45 }), { minItems: 1, maxItems: NAME_SERVERS_MAX }),
    ]),
    /** Where each may connect to: `mail.example.com:25`, `[2001:db8::1]:25`, `time.example.com:123/udp`. */
    destinations: Type.Object(
      { database: List, email: List, sms: List, siem: List, clock: List },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);
export type Network = Static<typeof Network>;

/** What holds where `silo.yaml` says nothing of the network: nobody reaches anything. */
export const closedNetwork: Network = { interfaces: [], resolver: "system", destinations: {} };

/** `host` is an address in its one spelling, or a name in lower case. */
export type Destination = { host: string; port: number; protocol: "tcp" | "udp" };

const NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
/** A name whose last label is a number is an address that was mistyped (RFC 1123 2.1). */
const NUMBER_LAST = /(^|\.)[0-9]+$/;

/** Undefined where `text` is not a destination. */
export function parseDestination(text: string): Destination | undefined {
  const [, six, four, port, protocol] =
    /^(?:\[([^\]]+)\]|([^:[\]]+)):([1-9][0-9]{0,4})(?:\/(tcp|udp))?$/.exec(text) ?? [];
  const host = six === undefined ? hostOf(four ?? "") : isIP(six) === 6 ? canonicalAddress(six) : undefined;
  if (host === undefined || Number(port) > 65_535) return undefined;
  return { host, port: Number(port), protocol: protocol === "udp" ? "udp" : "tcp" };
}

function hostOf(text: string): string | undefined {
  if (isIP(text) === 4) return text;
  const name = text.toLowerCase();
  return NAME.test(name) && !NUMBER_LAST.test(name) ? name : undefined;
}

/** An IP address as the Linux kernel's tools print it; undefined where it is none, or names a zone. */
export function canonicalAddress(text: string): string | undefined {
  const kind = isIP(text);
  if (kind === 0 || text.includes("%")) return undefined;
  return new SocketAddress({ address: text, family: kind === 4 ? "ipv4" : "ipv6" }).address;
}

/** The first fault that a schema cannot find, as a place and a rule. */
export function networkFault({ resolver, destinations }: Network): string | undefined {
  for (const caller of callers) {
    const wrong = destinations[caller]?.findIndex((text) => parseDestination(text) === undefined) ?? -1;
    if (wrong >= 0)
      return `/network/destinations/${caller}/${wrong} is not HOST:PORT, HOST:PORT/udp or [IPV6]:PORT with a port from 1 to 65535`;
  }
  if (resolver === "system") return undefined;
  const wrong = resolver.findIndex((text) => canonicalAddress(text) === undefined);
  return wrong >= 0 ? `/network/resolver/${wrong} is not an IP address` : undefined;
}
