/** Where this machine can be reached. */
import { networkInterfaces } from "node:os";

/** Addresses of all interfaces but the loopback, IPv4 first; link-local ones reach nobody who would not see the machine itself. */
export function addresses(found = networkInterfaces()): string[] {
  const all = Object.values(found).flatMap((one) => one ?? []);
  const reached = all.filter(({ internal, address }) => !internal && !address.startsWith("fe80:"));
  return reached.sort((one, other) => one.family.localeCompare(other.family)).map(({ address }) => address);
}
