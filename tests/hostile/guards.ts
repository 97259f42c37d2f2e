/**
 * Which guards stop which attack, for each isolation: data, and how to take one out of a cell's command. Tests only.
 *
 * A row holds what stops one attack. Taking all of a row out lets the attack through (so the row is whole), each alone stops it, and
 * with one taken out the others do; where a row has one guard, that guard is a single point, and SECURITY.md names it.
 */
import type { Command } from "../../jail/isolation.ts";
import type { IsolationName } from "./verdict.ts";

export type Guard = { takeOut(command: Command): Command };
/** `reaches`: the canary of host.ts that says whether it got through, where the sender cannot know. */
export type Row = { attack: string; guards: readonly string[]; reaches?: string };

/** Name of the guard that is the cell's own syscall filter: the program that runs the attacks puts it in force, or not. */
export const FILTER = "narrow.py";

const withArgv = (edit: (argv: readonly string[]) => string[]): Guard => ({
  takeOut: (command) => ({ ...command, argv: edit(command.argv) }),
});
const without = (...starts: string[]) =>
  withArgv((argv) => argv.filter((one) => !starts.some((start) => one.startsWith(start))));
const replaced = (from: string, to: string) => withArgv((argv) => argv.map((one) => one.replace(from, to)));

type Config = {
  process: { user: object; capabilities: Record<string, string[]>; rlimits: { type: string }[] };
  mounts: { destination: string; options?: string[] }[];
  linux: { namespaces: { type: string }[] };
};
const withConfig = (edit: (config: Config) => void): Guard => ({
  takeOut(command) {
    const config = JSON.parse(command.given ?? "") as Config;
    edit(config);
    return { ...command, given: JSON.stringify(config) };
  },
});
const unlimited = (name: string) =>
  withConfig(({ process }) => {
    process.rlimits = process.rlimits.filter(({ type }) => type !== `RLIMIT_${name}`);
  });
const filter: Guard = { takeOut: (command) => replaced("filter", "no-filter").takeOut(command) };
const filterInConfig: Guard = {
  takeOut: (command) => ({ ...command, given: (command.given ?? "").replace('"filter"', '"no-filter"') }),
};

export const guards: Readonly<Record<IsolationName, Readonly<Record<string, Guard>>>> = {
  nspawn: {
    [FILTER]: filter,
    "nspawn's filter": {
      takeOut: (command) => ({ ...command, environment: { ...command.environment, SYSTEMD_SECCOMP: "0" } }),
    },
    user: without("--user="),
    capabilities: withArgv((argv) => argv.map((one) => (one === "--drop-capability=all" ? "--capability=all" : one))),
    network: without("--private-network"),
    noexec: replaced(",noexec", ""),
    "cover of /run/host": withArgv((argv) => argv.filter((one) => !one.endsWith(":/proc/self/root/run/host"))),
    "limit of memory": without("--rlimit=AS"),
    "size of a file": without("--rlimit=FSIZE"),
  },
  gvisor: {
    [FILTER]: filterInConfig,
    "the sentry's network": replaced("--network=none", "--network=host"),
    "network of the sandbox": withConfig(({ linux }) => {
      linux.namespaces = linux.namespaces.filter(({ type }) => type !== "network");
    }),
    "network of the chain": withArgv((argv) => argv.filter((one) => one !== "--net")),
    noexec: withConfig(({ mounts }) => {
      for (const mount of mounts)
        if (mount.destination === "/work") mount.options = (mount.options ?? []).filter((one) => one !== "noexec");
    }),
    "limit of memory": unlimited("AS"),
    "size of a file": unlimited("FSIZE"),
  },
};

export const rows: Readonly<Record<IsolationName, readonly Row[]>> = {
  nspawn: [
    { attack: "tcp_host", guards: [FILTER, "network"] },
    { attack: "udp_host", guards: [FILTER, "network"], reaches: "the UDP canary" },
    { attack: "dns_host", guards: [FILTER, "network"], reaches: "the DNS canary" },
    { attack: "abstract_socket", guards: ["network"] },
    { attack: "keyring_join", guards: [FILTER, "nspawn's filter"] },
    { attack: "host_name", guards: [FILTER, "user", "capabilities"] },
    { attack: "mount_tmpfs", guards: [FILTER, "user", "capabilities"] },
    { attack: "user_namespace", guards: [FILTER] },
    { attack: "memory_file", guards: [FILTER] },
    { attack: "own_program", guards: ["noexec"] },
    { attack: "run_host", guards: ["cover of /run/host"] },
    { attack: "memory", guards: ["limit of memory"] },
    { attack: "big_hole", guards: ["size of a file"] },
  ],
  gvisor: [
    { attack: "tcp_host", guards: [FILTER, "the sentry's network", "network of the sandbox", "network of the chain"] },
    { attack: "user_namespace", guards: [FILTER] },
    { attack: "memory_file", guards: [FILTER] },
    { attack: "own_program", guards: ["noexec"] },
    { attack: "memory", guards: ["limit of memory"] },
    { attack: "big_hole", guards: ["size of a file"] },
  ],
};

/** Attacks that one guard alone stops: SECURITY.md's single points of cells are these. */
export function singlePoints(isolation: IsolationName): { attack: string; guard: string }[] {
  return rows[isolation].flatMap(({ attack, guards: [guard = "", ...others] }) =>
    others.length === 0 ? [{ attack, guard }] : [],
  );
}
