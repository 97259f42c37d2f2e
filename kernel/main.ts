/** silo-kernel: receives, selects, mints keys, dispatches, settles, and alone writes the log. */
import { createSecretKey, randomBytes } from "node:crypto";
import type { Server } from "node:net";
import { freemem } from "node:os";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { compileArguments } from "./abi/arguments.ts";
import { LEASE_MS } from "./abi/bounds.ts";
import { consoleToKernel } from "./abi/console-messages.ts";
import { edgeBetween } from "./abi/edges.ts";
import { done, type End, later } from "./abi/ends.ts";
import { randomText } from "./abi/ids.ts";
import {
  doorToKernel,
  ingressToKernel,
  kernelToDoor,
  kernelToJailer,
  kernelToVault,
  vaultToKernel,
} from "./abi/messages.ts";
import type { Operations } from "./abi/operations.ts";
import { readOperations } from "./abi/operations-file.ts";
import type { PermitKey } from "./abi/permit.ts";
import { readSettings } from "./abi/settings.ts";
import { readWitness } from "./abi/witness.ts";
import { type Appliance, consoleHandlers } from "./admin.ts";
import { openAgents } from "./agents.ts";
import { openLogKeys, tellKey } from "./audit/keys.ts";
import { lastTime } from "./audit/log.ts";
import { openPublisher } from "./audit/publish.ts";
import { openPulse, PULSE_MS } from "./audit/pulse.ts";
import { openWitnesses } from "./audit/witnesses.ts";
import { openBackground } from "./background.ts";
import type { Peers } from "./cells.ts";
import { steadyClock, trustedTime } from "./clock.ts";
import { LOOK_MS, watchClock } from "./clock-watch.ts";
import { groupCommit } from "./commit.ts";
import { type Core, note } from "./core.ts";
import { daysIn } from "./day.ts";
import { openDesk } from "./desk.ts";
import { openDispatch } from "./dispatch.ts";
import { doorHandlers, ingressHandlers, vaultHandlers } from "./handlers.ts";
import { openKeys } from "./keys.ts";
import { lifeOf } from "./life.ts";
import { openMint } from "./mint.ts";
import { readPeople } from "./people.ts";
import { credential, type Directories } from "./process/config.ts";
import { connect } from "./process/connect.ts";
import { openKeystore } from "./process/keystore.ts";
import { listen } from "./process/listen.ts";
import { startProcess } from "./process/start.ts";
import { secretsPlace } from "./process/wrapped.ts";
import { goOnFromNow, recover } from "./recovery.ts";
import { openReserve } from "./reserve.ts";
import { openRoles } from "./roles.ts";
import { readTransitions } from "./route.ts";
import { openSigningKeys } from "./signers.ts";
import { openSignIns, parseSignIns } from "./signins.ts";
import { openStop } from "./stop.ts";
import { openStore } from "./store.ts";

const MIB = 1024 * 1024;
/** How often the signing keys are looked at. */
const KEYS_MS = 60_000;

await startProcess("kernel", async (dirs, log) => {
  // Configuration.
  const settings = readSettings(dirs);
  const operations = readOperations(dirs);
  const map = readTransitions(dirs);
  const people = readPeople(dirs, operations);
  const permitKeys = readPermitKeys(dirs, operations);

  // What it holds: the store, the signing keys.
  const state = join(dirs.var, "kernel");
  const store = openStore(state);
  const last = trustedTime(lastTime(store), settings.wrong_time ?? null);
  const now = steadyClock(Date.now, last ?? 0);
  const keystore = openKeystore(state, secretsPlace(dirs, state));
  const signing = await openSigningKeys(keystore, now());
  const logKeys = openLogKeys(keystore, store);
  const mint = openMint({ keys: signing, issuer: `silo-${keystore.appliance}`, random: randomBytes });
  const core: Core = {
    store,
    ...groupCommit(store, () => standstill.mayWrite()),
    stopped: () => standstill.refusal(),
    operations,
    checks: new Map([...operations].map(([name, operation]) => [name, compileArguments(operation)])),
    map,
    roles: openRoles(store, people, settings.cells.weakest_isolation),
    settings,
    day: daysIn(settings.time_zone),
    now,
    random: randomBytes,
    permitKeys,
    incarnation: randomText(16, randomBytes),
  };
  const appliance = readAppliance();
  const folder = join(dirs.var, "audit");
  const publisher = openPublisher({ store, commit: core.commit, folder, keys: logKeys });
  const witnesses = openWitnesses({
    ...{ core, folder, keys: logKeys, published: () => publisher.state().published },
    witnesses: settings.witnesses.map(readWitness).filter((witness) => witness !== null),
  });
  const reserve = openReserve(state);
  const isReserved = await reserve.make();
  const standstill = openStop({
    ...{ reserve, now, log, blocked: core.blocked },
    note: (verb, code) => core.commit(() => note(core, verb, { code })),
    onStop: () => dispatch.endCells(),
    onResume: () => dispatch.wake(),
  });

  // Peers, and what goes on with them.
  const peers = openPeers();
  const background = openBackground(core, peers.vault, () => dispatch.wake());
  const dispatch = openDispatch({ core, mint, peers, background, log, freeMemoryMib: () => freemem() / MIB });
  const keys = openKeys({ core, signing, mint, dispatch, door: peers.door });
  const pulse = openPulse(core, publisher);
  const lookAtClock = watchClock(core, Date.now, () => performance.now());

  // What was left of an earlier life, before anything new.
  if (!isReserved) standstill.lacksReserve();
  const recovery = core.commit(() => {
    if (last === null) goOnFromNow(core);
    tellKey(core, logKeys.current());
    return recover(core, lifeOf(dirs, appliance, signing));
  });
  const expired = await standstill.begin(recovery);
  const timers = [
    setInterval(() => void dispatch.tend(), LEASE_MS / 3),
    setInterval(() => void keys.tend(), KEYS_MS),
    setInterval(() => void pulse().then(() => standstill.tend(publisher.state().fault)), PULSE_MS),
    setInterval(() => void witnesses.tend(), PULSE_MS),
    setInterval(() => void lookAtClock(), LOOK_MS),
  ];

  // Sockets.
  const servers = await takeSockets();
  return { status: `${store.tasks.count()} tasks; ${expired ?? "no"} attempts of an earlier life are void`, stop };

  function openPeers(): Peers {
    const to = { run: dirs.run, log };
    const wake = () => dispatch.wake();
    const onDoor = () => void keys.share().then(wake);
    return {
      door: connect(edgeBetween("kernel", "door"), kernelToDoor, {
        ...to,
        onConnect: onDoor,
        onLost: () => dispatch.endCells(),
      }),
      vault: connect(edgeBetween("kernel", "vault"), kernelToVault, { ...to, onConnect: () => dispatch.vaultFound() }),
      jailer: connect(edgeBetween("kernel", "jailer"), kernelToJailer, { ...to, onConnect: wake }),
    };
  }

  function takeSockets(): Promise<Server[]> {
    const at = { run: dirs.run, log };
    const agents = openAgents(core, { state: dirs.var, people, operations });
    const parts = {
      desk: openDesk(core, dispatch, background, agents.stage),
      agents,
      keys,
      people,
      signIn: openSignIns(people, parseSignIns(credential(dirs, "signin"))),
      appliance: {
        ...{ ...appliance, started: now(), auditLog: publisher.state, stopped: standstill.why, rotateLog },
        cosign,
        peers: () => connectedOf(peers),
      },
    };
    return Promise.all([
      listen(edgeBetween("ingress", "kernel"), ingressToKernel, ingressHandlers(core, background), at),
      listen(edgeBetween("vault", "kernel"), vaultToKernel, vaultHandlers(core, dispatch), at),
      listen(edgeBetween("door", "kernel"), doorToKernel, doorHandlers(core, dispatch), at),
      listen(edgeBetween("console", "kernel"), consoleToKernel, consoleHandlers(core, parts), at),
    ]);
  }

  async function rotateLog(who: string): Promise<End<{ kid: string }>> {
    const begun = await logKeys.rotate(core, who);
    if (begun.end !== "done") return begun;
    const { public: kid } = begun.value;
    for (let turn = 0; turn < 2; turn++) await publisher.tend(); // one may be under way that began before the entry
    const signs = logKeys.current().public === kid;
    return signs ? done({ kid }) : later("The new key has begun and signs when the log can be published.");
  }

  async function cosign(brought: string, who: string): ReturnType<Appliance["cosign"]> {
    const taken = await witnesses.take(brought, who);
    await witnesses.tend();
    return taken;
  }

  async function stop(): Promise<void> {
    for (const server of servers) server.close();
    for (const timer of timers) clearInterval(timer);
    background.stop();
    await dispatch.stop();
    for (const peer of Object.values(peers)) peer.close();
    await core.commit(() => undefined);
    await publisher.tend(); // one may be under way that began before the last commit
    await publisher.tend();
    await store.close();
  }
});

/** The key shared with each proxy that some operation names. */
function readPermitKeys(dirs: Directories, operations: Operations): ReadonlyMap<string, PermitKey> {
  const proxies = new Set([...operations.values()].map(({ proxy }) => proxy));
  return new Map([...proxies].map((proxy) => [proxy, createSecretKey(credential(dirs, `permit-${proxy}`))]));
}

/** The launcher says what it lowers: `SILO_MODE`, and in `SILO_LOWERED` one sentence a line. */
function readAppliance(): Pick<Appliance, "version" | "mode" | "lowered"> {
  const lowered = (process.env["SILO_LOWERED"] ?? "").split("\n").filter((line) => line !== "");
  return { version: manifest.version, mode: process.env["SILO_MODE"] ?? "appliance", lowered };
}

function connectedOf(peers: Peers): Record<string, boolean> {
  return Object.fromEntries(Object.entries(peers).map(([name, { connected }]) => [name, connected]));
}
