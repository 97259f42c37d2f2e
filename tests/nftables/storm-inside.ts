/**
 * Child of the firewall's tests: as user 707, sends to the right destination without pause until it is told to stop, and to foreign ones
 * beside. A packet the firewall drops on its way out fails at once with EPERM, so a gap of one packet is seen.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setImmediate } from "node:timers/promises";

const RIGHT = { address: "10.9.0.2", port: 26 };
const FOREIGN = { address: "10.9.0.3", port: 26 };

process.setgid?.(707);
process.setuid?.(707);
const found = { sent: 0, rightFailed: 0, foreignPassed: 0 };
let stopping = false;
process.once("SIGTERM", () => {
  stopping = true;
});
const right = createSocket("udp4").bind(0);
const foreign = createSocket("udp4").bind(0);
await Promise.all([once(right, "listening"), once(foreign, "listening")]);
console.log("ready");
while (!stopping) {
  const [good, bad] = await Promise.all([passes(right, RIGHT), passes(foreign, FOREIGN)]);
  found.sent++;
  if (!good) found.rightFailed++;
  if (bad) found.foreignPassed++;
  await setImmediate();
}
console.log(JSON.stringify(found));
process.exit();

function passes(socket: typeof right, { address, port }: typeof RIGHT): Promise<boolean> {
  return new Promise((resolve) => socket.send("x", port, address, (error) => resolve(error === null)));
}
