/** Child of the firewall's tests: everything that listens outside. TCP says hello; UDP echoes; port 53 answers names from a file. */
import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { sixteen } from "./frames.ts";

const [ports = "", names = ""] = process.argv.slice(2);
/** Shorter is no question, and comes back as it is. */
const QUERY_BYTES_MIN = 16;
const A = 1;
const AAAA = 28;

for (const port of ports.split(",").map(Number)) {
  await once(createServer((socket) => socket.on("error", () => {}).end("hello")).listen(port, "::"), "listening");
  const udp = createSocket("udp6");
  const reply = (message: Buffer) => (port === 53 && message.length > QUERY_BYTES_MIN ? answer(message) : message);
  udp.on("message", (message: Buffer, from: RemoteInfo) => udp.send(reply(message), from.port, from.address));
  udp.bind(port, "::");
  await once(udp, "listening");
  // Who asks for an IPv6 lease asks all servers (RFC 8415 7.1).
  if (port === 547) udp.addMembership("ff02::1:2", "::%o0");
}
console.log("ready");

/** RFC 1035 4.1: the question, and one record for each address of its kind. */
function answer(query: Buffer): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("ascii", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const kind = query.readUInt16BE(at + 1);
  const table = JSON.parse(readFileSync(names, "utf8")) as Record<string, string[]>;
  const found = (table[labels.join(".").toLowerCase()] ?? []).filter((one) => one.includes(":") === (kind === AAAA));
  const known = labels.join(".").toLowerCase() in table;
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(known ? 0x8180 : 0x8183, 2);
  head.writeUInt16BE(found.length, 6);
  head.fill(0, 8);
  const records = found.map((address) => {
    const bytes = kind === A ? Buffer.from(address.split(".").map(Number)) : sixteen(address);
    const record = Buffer.from([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, bytes.length]);
    return Buffer.concat([record, bytes]);
  });
  return Buffer.concat([head, query.subarray(12, at + 5), ...records]);
}
