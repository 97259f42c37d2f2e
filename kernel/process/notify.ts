/** Tells whoever started this process that it serves: systemd through sd_notify(3), or `silo up` through its channel. */
import systemdNotify from "systemd-notify";

/** Call after the seal and before the first stranger's byte. `status` is one line for a person. */
export async function notifyReady(status: string): Promise<void> {
  if (process.env["NOTIFY_SOCKET"] !== undefined) await systemdNotify({ ready: true, status });
  process.send?.({ ready: true, status });
}
