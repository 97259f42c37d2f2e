/** Who answers names: the administrator's name servers, or those the system was given (resolv.conf(5)). */
import { existsSync, readFileSync } from "node:fs";
import { canonicalAddress, NAME_SERVERS_MAX, type Network } from "../kernel/abi/network.ts";

const SYSTEM = "/etc/resolv.conf";
/** Where systemd-resolved keeps what it asks itself (systemd-resolved.service(8)). */
const BEHIND_STUB = "/run/systemd/resolve/resolv.conf";
const STUB = "127.0.0.53";
/** Where systemd-networkd keeps what leases say, on a machine that has no resolv.conf (sd_network_get_dns(3) reads the same). */
const LEASED = "/run/systemd/netif/state";

export function nameServers({ resolver }: Network, system = SYSTEM, behind = BEHIND_STUB, leased = LEASED): string[] {
  if (resolver !== "system") return resolver.flatMap((text) => canonicalAddress(text) ?? []);
  if (!existsSync(system)) return fromLeases(leased);
  const named = listed(system);
  return named.includes(STUB) ? listed(behind) : named;
}

function listed(path: string): string[] {
  if (!existsSync(path)) return [];
  const lines = [...readFileSync(path, "utf8").matchAll(/^nameserver[ \t]+(\S+)/gm)];
  return lines.flatMap(([, text = ""]) => canonicalAddress(text) ?? []).slice(0, NAME_SERVERS_MAX);
}

function fromLeases(path: string): string[] {
  if (!existsSync(path)) return [];
  const named = /^DNS=(.*)$/m.exec(readFileSync(path, "utf8"))?.[1] ?? "";
  return named
    .split(" ")
    .flatMap((text) => canonicalAddress(text) ?? [])
    .slice(0, NAME_SERVERS_MAX);
}
