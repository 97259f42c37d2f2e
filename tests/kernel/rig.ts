/** Dispatch on real sockets: at the other side of each edge stands a small door, vault and jailer that do what a test tells them. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { edgeBetween, type ProcessName } from "../../kernel/abi/edges.ts";
import { done, type End, later } from "../../kernel/abi/ends.ts";
import {
  kernelToDoor,
  kernelToJailer,
  kernelToVault,
  type RequestOf,
  type ValueOf,
} from "../../kernel/abi/messages.ts";
import { type Background, openBackground } from "../../kernel/background.ts";
import type { Peers } from "../../kernel/cells.ts";
import { type Dispatch, openDispatch } from "../../kernel/dispatch.ts";
import { connect } from "../../kernel/process/connect.ts";
import { type Handlers, listen } from "../../kernel/process/listen.ts";
import { openLog } from "../../kernel/process/log.ts";
import { positionOf } from "../../kernel/queue.ts";
import { openWorld, type World } from "./world.ts";

type Door = typeof kernelToDoor;
type Vault = typeof kernelToVault;
type Jailer = typeof kernelToJailer;
type Bound = RequestOf<Door, "bind">;
type Exit = ValueOf<Jailer, "start">["exit"];

export type Rig = {
  world: World;
  peers: Peers;
  dispatch: Dispatch;
  background: Background;
  /** What the peers were asked, in order: `jailer start`, `door bind`, … */
  asked: string[];
  /** What the door was told to give to cells, in order. */
  bound: Bound[];
  /** What the kernel is told of the machine; change it at will. */
  machine: { freeMib: number };
  /** What each peer answers; change it at will. */
  door: Handlers<Door>;
  vault: Handlers<Vault>;
  jailer: Handlers<Jailer>;
  /** Ends a cell as the jailer would. */
  exit(cell: string, over?: Partial<Exit>): void;
  /** The cells the jailer runs now, with their slots. */
  running: Map<string, number>;
  /** Takes a peer away, connections and all. */
  lose(peer: "door" | "vault" | "jailer"): Promise<void>;
  find(peer: "door" | "vault" | "jailer"): Promise<void>;
  /** Settles when `so` holds. */
  until(so: () => boolean, what: string): Promise<void>;
  stateOf(task: string): string;
  close(): Promise<void>;
};

export async function openRig(): Promise<Rig> {
  const world = await openWorld();
  const run = mkdtempSync(join(tmpdir(), "silo-rig-"));
  const log = openLog("kernel");
  log.level = "silent";
  const asked: string[] = [];
  const bound: Bound[] = [];
  const running = new Map<string, number>();
  const exits = new Map<string, (exit: Exit) => void>();
  const servers = new Map<string, { server: Server; sockets: Set<Socket> }>();

  const exit = (cell: string, over: Partial<Exit> = {}) => {
    running.delete(cell);
    exits.get(cell)?.({ reason: "exited", code: 0, signal: null, millis: 1, ...over });
  };
  const door: Handlers<Door> = {
    keys: () => done({}),
    expect: () => done({}),
    bind: () => done({}),
    end: () => done({}),
  };
  const vault: Handlers<Vault> = {
    bind: () => done({}),
    end: () => done({}),
    settle: () => later("not now"),
    deliver: () => done({}),
    close: () => done({}),
  };
  const jailer: Handlers<Jailer> = {
    start: ({ cell, slot }) => {
      running.set(cell, slot);
      return new Promise((resolve) => exits.set(cell, (given) => resolve(done({ exit: given }))));
    },
    kill: ({ cell }) => {
      if (running.has(cell)) exit(cell, { reason: "killed", code: null, signal: "SIGKILL" });
      return done({});
    },
  };

  const find = async (peer: "door" | "vault" | "jailer") => {
    const edge = edgeBetween("kernel", peer as ProcessName);
    mkdirSync(join(run, peer, "kernel"), { recursive: true });
    const server = await listenAs(peer, edge);
    const sockets = new Set<Socket>();
    server.on("connection", (socket) => sockets.add(socket));
    servers.set(peer, { server, sockets });
  };
  const listenAs = (peer: string, edge: ReturnType<typeof edgeBetween>): Promise<Server> => {
    if (peer === "door")
      return listen(
        edge,
        kernelToDoor,
        heard(peer, door, (name, body) => {
          if (name === "bind") bound.push(body as Bound);
        }),
        { run, log },
      );
    if (peer === "vault") return listen(edge, kernelToVault, heard(peer, vault), { run, log });
    return listen(edge, kernelToJailer, heard(peer, jailer), { run, log });
  };
  /** The handlers as they are when the message arrives, written down. */
  const heard = <H extends object>(
    peer: string,
    handlers: H,
    note: (name: string, body: unknown) => void = () => {},
  ): H => {
    const entries = Object.keys(handlers).map((name) => {
      const handle = (body: unknown): End<unknown> | Promise<End<unknown>> => {
        asked.push(`${peer} ${name}`);
        note(name, body);
        return (handlers as Record<string, (body: unknown) => End<unknown>>)[name]?.(body) ?? later("nothing");
      };
      return [name, handle] as const;
    });
    return Object.fromEntries(entries) as H;
  };
  const lose = async (peer: string) => {
    const held = servers.get(peer);
    held?.server.close();
    for (const socket of held?.sockets ?? []) socket.destroy();
    await setTimeout(10);
  };

  for (const peer of ["door", "vault", "jailer"] as const) await find(peer);
  const attempts = { max: 3, backoff_ms: 20, backoff_ms_max: 40 };
  const { pool } = world.core.settings;
  world.core.settings = { ...world.core.settings, attempts, slots: 2, pool: { ...pool, cells_max: 0 } };
  const machine = { freeMib: 8192 };
  world.core.now = Date.now;
  const to = { run, log };
  const wake = () => dispatch.wake();
  const peers: Peers = {
    door: connect(edgeBetween("kernel", "door"), kernelToDoor, {
      ...to,
      onConnect: wake,
      onLost: () => dispatch.endCells(),
    }),
    vault: connect(edgeBetween("kernel", "vault"), kernelToVault, { ...to, onConnect: () => dispatch.vaultFound() }),
    jailer: connect(edgeBetween("kernel", "jailer"), kernelToJailer, { ...to, onConnect: wake }),
  };
  const background = openBackground(world.core, peers.vault, wake);
  const dispatch = openDispatch({
    ...{ core: world.core, mint: world.mint, peers, background, log },
    freeMemoryMib: () => machine.freeMib,
  });

  const until = async (so: () => boolean, what: string) => {
    for (let tries = 0; tries < 400; tries++) {
      if (so()) return;
      await setTimeout(10);
    }
    throw new Error(`It did not happen: ${what}. Asked: ${asked.join(", ")}`);
  };
  await until(() => peers.door.connected && peers.vault.connected && peers.jailer.connected, "all peers are there");

  return {
    world,
    peers,
    dispatch,
    background,
    asked,
    bound,
    machine,
    door,
    vault,
    jailer,
    exit,
    running,
    lose,
    find,
    until,
    stateOf: (task) => positionOf(world.store, task).state,
    async close() {
      background.stop();
      await dispatch.stop();
      for (const peer of Object.values(peers)) peer.close();
      for (const peer of servers.keys()) await lose(peer);
      await world.core.commit(() => undefined); // what rides along
      await world.close();
      rmSync(run, { recursive: true, force: true });
    },
  };
}
