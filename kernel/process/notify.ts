/** Tells whoever started this process that it serves, and that it goes on: systemd through sd_notify(3), or `silo up` through its channel. */
import { spawn, spawnSync } from "node:child_process";
import systemdNotify from "systemd-notify";

/** Signs of life in the time after which systemd takes the process for stuck. */
const SIGNS = 3;

/** Call after the seal and before the first stranger's byte. `status` is one line for a person. */
export async function notifyReady(status: string): Promise<void> {
  if (process.env["NOTIFY_SOCKET"] !== undefined) await systemdNotify({ ready: true, status });
  process.send?.({ ready: true, status });
  const pause = watchdogPause(process.env);
  if (pause !== null) setInterval(showLife, pause).unref();
}

/** One line for a person, which systemd keeps beyond the end of the process: what it does, or why it does not start. */
export function tellStatus(status: string): void {
  if (process.env["NOTIFY_SOCKET"] !== undefined) spawnSync("systemd-notify", [`--status=${status}`]);
}

/** Between two signs of life, in ms; null where nobody waits for them (sd_watchdog_enabled(3)). */
export function watchdogPause(env: NodeJS.ProcessEnv, pid = process.pid): number | null {
  const micros = Number(env["WATCHDOG_USEC"]);
  const isOurs = env["WATCHDOG_PID"] === undefined || env["WATCHDOG_PID"] === String(pid);
  return micros > 0 && isOurs ? micros / 1000 / SIGNS : null;
}

/** An event loop that does not turn starts no program. One that could not be started is a sign that was not given. */
function showLife(): void {
  spawn("systemd-notify", ["WATCHDOG=1"], { stdio: "ignore" }).on("error", () => undefined);
}
