/** The jailer: starts cells for the kernel and ends them. Root-equivalent, so: no dependency, no path from a message, never reads what a cell says. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { receive } from "../kernel/process/receive.ts";
import { ownStatus, sealFaults } from "../kernel/process/seal.ts";
import { openCells } from "./cells.ts";
import { openCgroups, ownGroup } from "./cgroup.ts";
import { kernelEdge } from "./edge.ts";
import { isolations } from "./isolations.ts";
import { openLog } from "./log.ts";
import { allUids, processesOf } from "./processes.ts";
import { sweep } from "./sweep.ts";

/** kernel/abi/edges.ts: kernel -> jailer. */
const SOCKET = "/run/silo/jailer/kernel/socket";

const log = openLog(Date.now);

const faults = sealFaults(ownStatus(), { uid: 0, capabilities: "root" });
if (faults.length > 0) {
  log.fatal({ faults }, "not sealed");
  process.exit(70);
}

// What an earlier jailer left behind belongs to leases that are over.
const commands = () => Object.values(isolations).flatMap(({ mark }) => processesOf(mark.program, mark.argument));
await sweep(allUids, () => commands().length === 0, log);

const own = ownGroup(readFileSync("/proc/self/cgroup", "utf8"), readFileSync("/proc/self/mountinfo", "utf8"));
const cgroups = openCgroups(own);
const lowered =
  typeof cgroups === "string" ? `${cgroups} Cells are bounded by rlimits and tmpfs sizes alone.` : undefined;
if (lowered !== undefined) log.warn({ lowered }, "a guard is lowered");

const cells = openCells({ log, cgroups: typeof cgroups === "string" ? undefined : cgroups, now: Date.now });
await receive(SOCKET, { from: "kernel", to: "jailer", trust: "kin" }, kernelEdge(cells), log);

const status = lowered === undefined ? "ready" : `ready; lowered: ${lowered}`;
if (process.env["NOTIFY_SOCKET"] !== undefined)
  execFileSync("/usr/bin/systemd-notify", ["--ready", `--status=${status}`]);
process.send?.({ ready: true, status });
log.info({}, status);

process.once("SIGTERM", () => void cells.killAll().then(() => process.exit(0)));
