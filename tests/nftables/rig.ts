/**
 * A machine with a firewall and the world outside it: network namespaces joined by veth pairs.
 *
 *   outside (10.9.0.2, .3, 2001:db8:9::2, ::3) -- m0 machine m1 -- beyond (10.8.0.2)
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { stringify } from "yaml";
import type { Network } from "../../kernel/abi/network.ts";
import { readSettings } from "../../kernel/abi/settings.ts";
import type { Count } from "../../nftables/nft.ts";
import { MACHINE, OUTSIDE } from "./frames.ts";

export const PORTS = [22, 25, 26, 53, 67, 123, 547, 2775, 5432, 6514, 8443];
const PYTHON = "/usr/lib/silo/cell/usr/bin/python3";

export type Target = {
  uid: number;
  protocol: "tcp" | "udp";
  address: string;
  port: number;
  source?: number;
  bytes?: number;
};

export type Rig = {
  root: string;
  /** The argv of a command there. */
  within(where: "machine" | "outside", argv: readonly string[]): [string, ...string[]];
  /** One step of machine-inside.ts on the machine. Throws with what it said when it fails. */
  machine(verb: string, extra?: string): unknown;
  /** What the machine, or somebody outside, reaches. */
  reach(from: "machine" | "outside" | "beyond", targets: readonly Target[]): boolean[];
  /** Packets each rule has counted, by `chain rule`. */
  counted(): Record<string, number>;
  /** What a name server outside says from now on. */
  answer(names: Record<string, string[]>): void;
  configure(network: Network): void;
  /** A process on the machine or outside; `start` settles when it has said something. */
  spawn(where: "machine" | "outside", ...argv: string[]): ChildProcess;
  start(where: "machine" | "outside", ...argv: string[]): Promise<ChildProcess>;
  /** packets.py there, as root or as a user that could send raw packets. */
  packets(where: "machine" | "outside", uid: number, ...argv: string[]): unknown;
  ip(where: "machine" | "outside" | "beyond", ...argv: string[]): string;
  /** Sets a variable of the network (sysctl(8)) by its path below /proc/sys/net. */
  set(where: "machine" | "outside", path: string, value: number): void;
  close(): void;
};

export async function openRig(network: Network): Promise<Rig> {
  const root = mkdtempSync(join(tmpdir(), "silo-nft-"));
  for (const folder of ["etc", "var", "run"]) mkdirSync(join(root, folder));
  const holders = { machine: await hold(), outside: await hold(), beyond: await hold() };
  const pid = (where: keyof typeof holders) => holders[where].pid as number;
  const within = (where: keyof typeof holders, argv: readonly string[]): [string, ...string[]] => [
    "nsenter",
    `--target=${pid(where)}`,
    "--net",
    "--",
    ...argv,
  ];
  const started: ChildProcess[] = Object.values(holders);

  function run(where: keyof typeof holders, ...argv: string[]): string {
    const [program, ...rest] = within(where, argv);
    const { status, stdout, stderr } = spawnSync(program, rest, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${argv.slice(0, 4).join(" ")}: ${stderr}${stdout}`);
    return stdout;
  }
  function begin(where: keyof typeof holders, ...argv: string[]): ChildProcess {
    const [program, ...rest] = within(where, argv);
    const child = spawn(program, rest, { stdio: ["ignore", "pipe", "inherit"] });
    started.push(child);
    return child;
  }
  async function start(where: keyof typeof holders, ...argv: string[]): Promise<ChildProcess> {
    const child = begin(where, ...argv);
    await once(child.stdout as Readable, "data");
    return child;
  }
  const rig: Rig = {
    root,
    within,
    start,
    spawn: begin,
    machine: (verb, extra = "") =>
      JSON.parse(run("machine", "node", "tests/nftables/machine-inside.ts", verb, root, extra)),
    reach: (from, targets) =>
      JSON.parse(run(from, "node", "tests/nftables/probe-inside.ts", JSON.stringify(targets))) as boolean[],
    counted: () =>
      Object.fromEntries(
        (rig.machine("counts") as Count[]).map(({ chain, rule, packets }) => [`${chain} ${rule}`, packets]),
      ),
    answer: (names) => writeFileSync(join(root, "names.json"), JSON.stringify(names)),
    configure: (given) => {
      const settings = { ...readSettings({ etc: "config", var: root }), network: given };
      writeFileSync(join(root, "etc/silo.yaml"), stringify(settings));
    },
    packets: (where, uid, ...argv) =>
      JSON.parse(run(where, ...asRaw(uid), PYTHON, "tests/nftables/packets.py", ...argv)),
    ip: (where, ...argv) => run(where, "ip", ...argv),
    set: (where, path, value) => void run(where, "sh", "-c", `echo ${value} >/proc/sys/net/${path}`),
    close: () => {
      for (const child of started) child.kill("SIGKILL");
      rmSync(root, { recursive: true, force: true });
    },
  };
  connectAll(rig, pid("outside"), pid("beyond"));
  rig.answer({});
  rig.configure(network);
  await start("outside", "node", "tests/nftables/outside-inside.ts", PORTS.join(","), join(root, "names.json"));
  return rig;
}

/** Links and addresses. Neighbours are found anew by each test: entries that were learned before a firewall would hide what it does. */
function connectAll(rig: Rig, outside: number, beyond: number): void {
  rig.set("machine", "ipv4/ip_forward", 1);
  const [here, there] = [MACHINE, OUTSIDE].map(({ ethernet }) => ["address", ethernet]) as [string[], string[]];
  const peer = ["peer", "name", "o0", ...there, "netns", String(outside)];
  rig.ip("machine", "link", "add", "m0", ...here, "type", "veth", ...peer);
  rig.ip("machine", "link", "add", "m1", "type", "veth", "peer", "name", "b0", "netns", String(beyond));
  const addresses = [
    ["machine", "m0", "10.9.0.1/24"],
    ["machine", "m0", "2001:db8:9::1/64"],
    ["machine", "m1", "10.8.0.1/24"],
    ["outside", "o0", "10.9.0.2/24"],
    ["outside", "o0", "10.9.0.3/24"],
    ["outside", "o0", "2001:db8:9::2/64"],
    ["outside", "o0", "2001:db8:9::3/64"],
    ["beyond", "b0", "10.8.0.2/24"],
  ] as const;
  for (const [where, link, address] of addresses)
    rig.ip(where, "address", "add", address, "dev", link, ...(address.includes(":") ? ["nodad"] : []));
  for (const [where, link] of [
    ["machine", "m0"],
    ["machine", "m1"],
    ["outside", "o0"],
    ["beyond", "b0"],
  ] as const)
    rig.ip(where, "link", "set", link, "up");
  for (const where of ["machine", "outside", "beyond"] as const) rig.ip(where, "link", "set", "lo", "up");
  rig.ip("beyond", "route", "add", "default", "via", "10.8.0.1");
  rig.ip("outside", "route", "add", "10.8.0.0/24", "via", "10.9.0.1");
}

/** More than any process of ours has: what the firewall stops it stops for those too. */
function asRaw(uid: number): string[] {
  return ["setpriv", `--reuid=${uid}`, "--clear-groups", "--inh-caps=+net_raw", "--ambient-caps=+net_raw", "--"];
}

async function hold(): Promise<ChildProcess> {
  const child = spawn("unshare", ["--net", "--", "sh", "-c", "echo there; exec sleep infinity"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout as Readable, "data");
  return child;
}
