/** Child of the firewall's tests: tries to reach each target as its user, and prints which it reached. A socket has the user that made it. */
import { createSocket } from "node:dgram";
import { connect } from "node:net";
import type { Target } from "./rig.ts";

const PATIENCE_MS = 1_500;

const targets = JSON.parse(process.argv[2] ?? "[]") as Target[];
const reached: boolean[] = [];
for (const uid of new Set(targets.map((target) => target.uid))) {
  process.seteuid?.(uid);
  const own = targets.map((target, place) => [target, place] as const).filter(([target]) => target.uid === uid);
  await Promise.all(
    own.map(async ([target, place]) => {
      reached[place] = await (target.protocol === "tcp" ? tcp(target) : udp(target));
    }),
  );
  process.seteuid?.(0);
}
console.log(JSON.stringify(reached));

function tcp({ address, port }: Target): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: PATIENCE_MS });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("data", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
  });
}

function udp({ address, port, source = 0, bytes = 5 }: Target): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    const late = setTimeout(() => end(false), PATIENCE_MS);
    const end = (answer: boolean) => {
      clearTimeout(late);
      socket.close();
      resolve(answer);
    };
    socket.once("message", () => end(true));
    socket.once("error", () => end(false));
    socket.bind(source, () => socket.send(Buffer.alloc(bytes), port, address, (error) => error !== null && end(false)));
  });
}
