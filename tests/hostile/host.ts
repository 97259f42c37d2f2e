/**
 * The host as an attack must not change or reach it: canaries that are open to everybody who can name them, and all that is compared
 * before and after. Runs as root inside the build root, with a network, a name and System V memory of its own.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { isolations } from "../../jail/isolations.ts";
import { allUids, processesIn, processesOf } from "../../jail/processes.ts";

/** The same as in agents/hostile/system.py. */
const FOLDER = "/tmp/silo-canary";
const PROCESS = "silo-canary-process";
const ABSTRACT = "\0silo-canary";
const PORT = 4711;
const DNS_PORT = 53;
/** Trees in which nothing may change while agents run. */
const STILL = [
  "/var/silo/agents",
  "/var/silo/bundles",
  "/var/silo/config",
  "/var/silo/console",
  FOLDER,
  "/tmp",

  "/etc/shadow",
];
const IPC = ["shm", "sem", "msg"];
const ARRIVE_MS = 200;
const NAME = "the host's name";

export type Host = {
  /** What is not as it was, or was reached, since the last question. */
  faults(): string[];
  /** Processes and cells that have not gone. */
  left(): number;
  close(): void;
};

/** The loopback of a network that is new: processes of the appliance, and the canaries, listen there. */
export function bringUpNetwork(): void {
  run("ip", "link", "set", "lo", "up");
}

/** Puts the canaries up, and sees that each notices who comes. */
export async function openHost(): Promise<Host> {
  countCellPackets();
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  writeFileSync(`${FOLDER}/file`, "untouched");
  const reached: string[] = [];
  const servers = await listenAll((where) => reached.push(where));
  mkdirSync(`${FOLDER}/closed`, { mode: 0o700 });
  writeFileSync(`${FOLDER}/closed/file`, "untouched", { mode: 0o600 });
  run("ipcmk", "--shmem", "64", "--mode", "0666");
  for (const path of [FOLDER, `${FOLDER}/file`, `${FOLDER}/socket`]) chmodSync(path, 0o777);
  let canary = canaryProcess();
  await reachAll();
  await expectReached(reached);
  const before = snapshot();
  return {
    faults() {
      const found = [...new Set(reached.splice(0)), ...differences(before, snapshot()), ...unwell(canary)];
      if (unwell(canary).length > 0) canary = canaryProcess();
      run("hostname", before.get(NAME) ?? "");
      return found;
    },
    left: () =>
      processesIn(allUids).length +
      Object.values(isolations).flatMap(({ mark }) => processesOf(mark.program, mark.argument)).length,
    close() {
      for (const server of servers) server.close();
      canary.kill("SIGKILL");
      rmSync(FOLDER, { recursive: true, force: true });
    },
  };
}

function canaryProcess(): ChildProcess {
  return spawn("sleep", ["infinity"], { argv0: PROCESS, stdio: "ignore" });
}

type Reach = (where: string) => void;

async function listenAll(reach: Reach): Promise<(Server | Socket)[]> {
  const streams = [
    listenTcp("the TCP canary", { port: PORT, host: "::" }, reach),
    listenTcp("the canary's abstract socket", { path: ABSTRACT }, reach),
    listenTcp("the canary's socket", { path: `${FOLDER}/socket` }, reach),
  ];
  const datagrams = [listenUdp("the UDP canary", PORT, reach), listenUdp("the DNS canary", DNS_PORT, reach)];
  return Promise.all([...streams, ...datagrams]);
}

async function listenTcp(name: string, at: object, reach: Reach): Promise<Server> {
  const server = createServer((socket) => {
    reach(`${name} was reached`);
    socket.on("error", () => undefined).destroy();
  });
  await once(server.listen(at), "listening");
  return server;
}

async function listenUdp(name: string, port: number, reach: Reach): Promise<Socket> {
  const socket = createSocket({ type: "udp6", ipv6Only: false });
  socket.on("message", () => reach(`${name} was reached`));
  socket.bind(port);
  await once(socket, "listening");
  return socket;
}

/** As an attack would that is not held by anything. */
async function reachAll(): Promise<void> {
  const targets = [{ port: PORT, host: "127.0.0.1" }, { path: ABSTRACT }, { path: `${FOLDER}/socket` }];
  for (const target of targets) await once(connect(target).resume(), "close");
  const socket = createSocket("udp4");
  for (const port of [PORT, DNS_PORT]) await new Promise((resolve) => socket.send("hello", port, "127.0.0.1", resolve));
  socket.close();
}

async function expectReached(reached: string[]): Promise<void> {
  await pause(ARRIVE_MS);
  const seen = new Set(reached.splice(0));
  if (seen.size !== 5) throw new Error(`A canary does not notice who comes: only ${[...seen].join(", ")}.`);
}

/** What it is -> what it is like. */
type Snapshot = ReadonlyMap<string, string>;

function snapshot(): Snapshot {
  const trees = STILL.map((path) => [path, digestOf(path)] as const);
  const ipc = IPC.map((kind) => [`System V ${kind}`, String(linesOf(`/proc/sysvipc/${kind}`).length)] as const);
  const mounts = linesOf("/proc/self/mountinfo").map((line) => line.split(" ").slice(3).join(" "));
  const names = linesOf("/proc/net/unix")
    .map((line) => line.split(" ").at(-1) ?? "")
    .filter((name) => name.includes("hostile"));
  return new Map([
    ...trees,
    ...ipc,
    ["mounts", mounts.sort().join("\n")],
    [NAME, readFileSync("/proc/sys/kernel/hostname", "utf8").trim()],
    ["the core pattern", readFileSync("/proc/sys/kernel/core_pattern", "utf8")],
    ["sockets of an agent", names.join(" ")],
    ["packets of cells", cellPackets()],
    ["keys of cells' users", keysOfCells()],
    ["/dev/shm", namesIn("/dev/shm")],
    ["/run", namesIn("/run")],
  ]);
}

/** Of what PostgreSQL keeps there, nothing is an agent's. */
function namesIn(folder: string): string {
  const names = readdirSync(folder).filter((name) => !name.startsWith("PostgreSQL"));
  return names.sort().join(" ");
}

function differences(before: Snapshot, after: Snapshot): string[] {
  return [...before].filter(([what, was]) => after.get(what) !== was).map(([what]) => `${what} changed`);
}

function unwell(canary: ChildProcess): string[] {
  return canary.exitCode === null && canary.signalCode === null ? [] : ["the canary's process ended"];
}

/** Of names, modes, owners and contents of all that is below. */
function digestOf(path: string): string {
  const hash = createHash("sha256");
  const add = (at: string): void => {
    const stat = lstatSync(at, { throwIfNoEntry: false });
    if (stat === undefined) return;
    hash.update(`${at} ${stat.mode} ${stat.uid} ${stat.gid}\n`);
    try {
      if (stat.isDirectory()) for (const name of readdirSync(at).sort()) add(`${at}/${name}`);
      else if (stat.isFile()) hash.update(readFileSync(at));
      else if (stat.isSymbolicLink()) hash.update(readlinkSync(at));
    } catch (error) {
      // Others use /tmp too: what went while it was looked at differs from what was, and that is all there is to say.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  };
  add(path);
  return hash.digest("hex");
}

/** Packets of the cells' users, in either direction: none is theirs to send. */
function countCellPackets(): void {
  const rule = `meta skuid ${allUids.first}-${allUids.last} counter name cells`;
  const chain = `chain out {\ntype filter hook output priority 0\n${rule}\n}`;
  run("nft", `table inet hostile {\ncounter cells { }\n${chain}\n}`);
}

function cellPackets(): string {
  return /packets (\d+)/.exec(run("nft", "list counter inet hostile cells"))?.[1] ?? "unknown";
}

/** Kernel keys by user (proc_key_users(5)): `  524288:     1 1/1 1/200 9/20000`. */
function keysOfCells(): string {
  const users = linesOf("/proc/key-users").map((line) => Number(line.split(":")[0]));
  return users.filter((uid) => uid >= allUids.first && uid <= allUids.last).join(" ");
}

function linesOf(path: string): string[] {
  return readFileSync(path, "utf8").trimEnd().split("\n");
}

function run(program: string, ...argv: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, argv, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${argv.join(" ")} failed: ${stderr}`);
  return stdout;
}
