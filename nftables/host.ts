/** Services of the machine itself that may speak to the network, as data. Nothing else of the machine may, root included. */
import { readFileSync } from "node:fs";

type Row = { set: "clock_users" | "network_users"; user: string; reason: string };

export const hostRows: readonly Row[] = [
  {
    set: "clock_users",
    user: "_chrony",
    reason: "limits, keys and the log rely on the clock: NTP (123/udp) and NTS (4460) to the time servers of silo.yaml",
  },
  {
    set: "network_users",
    user: "systemd-network",
    reason: "keeps the machine's addresses: DHCP leases and router solicitations on its own links",
  },
];

/** Numbers of those users that this machine has, by set. A machine without one has nothing to let through. */
export function hostUsers(passwd = readFileSync("/etc/passwd", "utf8")): { set: Row["set"]; uid: number }[] {
  return hostRows.flatMap(({ set, user }) => {
    const uid = new RegExp(`^${user}:[^:]*:(\\d+):`, "m").exec(passwd)?.[1];
    return uid === undefined ? [] : [{ set, uid: Number(uid) }];
  });
}
