/** Packets as bytes, for what no program of ours would send. */

/** Ethernet addresses of both ends of the link, and the IPv6 addresses of that link that follow from them (RFC 4291, appendix A). */
export const MACHINE = { ethernet: "02:00:00:00:00:01", link: "fe80::ff:fe00:1" };
export const OUTSIDE = { ethernet: "02:00:00:00:00:02", link: "fe80::ff:fe00:2" };

const ICMPV6 = 58;
const UDP = 17;

export type Packet = {
  source: string;
  destination: string;
  hops: number;
  next: typeof ICMPV6 | typeof UDP;
  payload: Buffer;
  /** Hop-by-hop, the router alert of RFC 2711. */
  alert?: true;
  /** Its checksum is wrong. */
  spoiled?: true;
};

/** The 16 bytes of an IPv6 address. */
export function sixteen(address: string): Buffer {
  const [left = "", right = ""] = address.split("::");
  const groups = (text: string) => text.split(":").filter(Boolean);
  const zeros = Array(8 - groups(left).length - groups(right).length).fill("0") as string[];
  const all = [...groups(left), ...zeros, ...groups(right)];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}

/** A frame from outside to the machine, in hex (RFC 2464, RFC 8200). */
export function frame({ source, destination, hops, next, payload, alert, spoiled }: Packet): string {
  const to = sixteen(destination);
  const ethernet = to[0] === 0xff ? Buffer.from([0x33, 0x33, ...to.subarray(12)]) : bytes(MACHINE.ethernet);
  const options = alert ? Buffer.from([next, 0, 5, 2, 0, 0, 1, 0]) : Buffer.alloc(0);
  const header = Buffer.from([0x60, 0, 0, 0, 0, 0, alert ? 0 : next, hops]);
  header.writeUInt16BE(options.length + payload.length, 4);
  const body = summed(sixteen(source), to, next, payload);
  if (spoiled) body[next === UDP ? 6 : 2] = (body[next === UDP ? 6 : 2] as number) ^ 1;
  const parts = [ethernet, bytes(OUTSIDE.ethernet), Buffer.from([0x86, 0xdd]), header, sixteen(source), to];
  return Buffer.concat([...parts, options, body]).toString("hex");
}

/** RFC 4861 4.2: a router that offers itself for half an hour. */
export const routerAdvert = (source: string, hops: number): Packet => ({
  ...{ source, hops, destination: "ff02::1", next: ICMPV6 },
  payload: Buffer.from([134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0]),
});

/** RFC 4861 4.3: who has the machine's address? */
export const neighbourSolicit = (hops: number): Packet => ({
  ...{ source: "2001:db8:9::2", hops, destination: "2001:db8:9::1", next: ICMPV6 },
  payload: Buffer.concat([Buffer.from([135, 0, 0, 0, 0, 0, 0, 0]), sixteen("2001:db8:9::1")]),
});

/** RFC 3810 5.1: who listens to what? To be answered within a tenth of a second. */
export const multicastQuery = (source: string): Packet => ({
  ...{ source, hops: 1, destination: "ff02::1", next: ICMPV6, alert: true },
  payload: Buffer.concat([Buffer.from([130, 0, 0, 0, 0, 100, 0, 0]), Buffer.alloc(16), Buffer.from([2, 125, 0, 0])]),
});

/** RFC 3810 5.2: whether a frame is somebody's answer to that. */
export const isMulticastReport = (hex: string): boolean => {
  const sent = Buffer.from(hex, "hex");
  return sent.readUInt16BE(12) === 0x86dd && sent[20] === 0 && sent[54] === ICMPV6 && sent[62] === 143;
};

/** A datagram to the port of a DHCPv6 client. */
export const lease = (source: string, destination: string, port: number): Packet => {
  const payload = Buffer.alloc(8);
  for (const [place, value] of [port, 546, payload.length].entries()) payload.writeUInt16BE(value, place * 2);
  return { source, destination, hops: 64, next: UDP, payload };
};

/** RFC 4861 4.1: are there routers? The checksum is the Linux kernel's to fill in. */
export const ROUTER_SOLICIT = Buffer.from([133, 0, 0, 0, 0, 0, 0, 0]).toString("hex");

/** A TCP segment to an IPv4 address that begins nothing, answers nothing and ends nothing: no flag is set. */
export function segmentOfNoFlow(destination: string, port: number): string {
  const header = Buffer.from([
    0x45,
    0,
    0,
    40,
    0,
    1,
    0,
    0,
    64,
    6,
    0,
    0,
    0,
    0,
    0,
    0,
    ...destination.split(".").map(Number),
  ]);
  const segment = Buffer.alloc(20);
  segment.writeUInt16BE(40_000, 0);
  segment.writeUInt16BE(port, 2);
  segment[12] = 0x50;
  return Buffer.concat([header, segment]).toString("hex");
}

/** RFC 8200 8.1. */
function summed(source: Buffer, destination: Buffer, next: number, payload: Buffer): Buffer {
  const length = Buffer.alloc(8);
  length.writeUInt32BE(payload.length);
  length[7] = next;
  const all = Buffer.concat([source, destination, length, payload, Buffer.alloc(payload.length % 2)]);
  let sum = 0;
  for (let at = 0; at < all.length; at += 2) sum += all.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  const told = Buffer.from(payload);
  told.writeUInt16BE(~sum & 0xffff, next === UDP ? 6 : 2);
  return told;
}

function bytes(ethernet: string): Buffer {
  return Buffer.from(ethernet.replaceAll(":", ""), "hex");
}
