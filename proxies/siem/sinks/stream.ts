/**
 * Syslog over TLS (RFC 5425) or plain TCP (RFC 6587), both with octet counting.
 *
 * Threat: syslog over a stream acknowledges nothing: what a connection took may be in no file when the receiver dies.
 * Contract: settles when the operating system has the bytes. Whoever sends goes back by `overlapBytes` when the connection ends.
 * Failure: `NotTaken`.
 */
import { once } from "node:events";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, TLSSocket } from "node:tls";
import type { SyslogDestination } from "../../../kernel/abi/export.ts";
import type { Credential } from "../credential.ts";
import type { Event } from "../event.ts";
import { NotTaken, type Sink, shown } from "../sink.ts";
import { syslogMessage } from "./syslog.ts";

/** Above what both ends' kernels buffer (net.ipv4.tcp_wmem and tcp_rmem: 4 and 6 MiB) and a receiver's queue in memory (rsyslog: 10,000 messages). */
export const OVERLAP_BYTES = 16 * 1024 * 1024;
const CONNECT_MS_MAX = 10_000;
/** A receiver that takes nothing for so long is gone. */
const STALL_MS_MAX = 60_000;
const KEEPALIVE_MS = 30_000;

export function streamSink(to: SyslogDestination, credential: Credential): Sink {
  let opening: Promise<Socket> | undefined;
  let gone: string | null = null;

  async function open(): Promise<Socket> {
    const socket = to.to === "syslog-tls" ? connectTls(tlsOptions(to, credential)) : connectTcp(to.port, to.host);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    socket.on("error", (error) => {
      gone ??= shown(error.message);
    });
    socket.once("close", () => {
      gone ??= "the receiver closed the connection";
    });
    socket.resume(); // nothing is expected, but its end
    const late = setTimeout(() => socket.destroy(new Error("it did not answer in time")), CONNECT_MS_MAX);
    try {
      await once(socket, to.to === "syslog-tls" ? "secureConnect" : "connect");
    } catch (error) {
      throw new NotTaken(`${to.host}:${to.port} cannot be reached: ${shown((error as Error).message)}.`);
    } finally {
      clearTimeout(late);
    }
    return socket;
  }

  return {
    overlapBytes: OVERLAP_BYTES,
    async send(events) {
      opening ??= open();
      const socket = await opening;
      await write(socket, Buffer.concat(events.flatMap(frame)));
      return { said: `${to.host}:${to.port} took it over ${protocolOf(socket)}; syslog answers nothing`, dropped: 0 };
    },
    lost: () => (gone === null ? null : `The connection to ${to.host}:${to.port} ended: ${gone}.`),
    close: () => void opening?.then((socket) => socket.destroy()).catch(() => undefined),
  };
}

function tlsOptions({ host, port }: SyslogDestination, { ca, certificate, key }: Credential) {
  return {
    host,
    port,
    minVersion: "TLSv1.2" as const,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate, key: key as string }),
  };
}

function frame(event: Event): Buffer[] {
  const message = syslogMessage(event);
  return [Buffer.from(`${message.length} `), message];
}

function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new NotTaken(`The connection broke while it was written to: ${shown(why)}.`));
    const closed = () => fail("the receiver closed it");
    const stalled = setTimeout(() => socket.destroy(new Error("it took nothing for too long")), STALL_MS_MAX);
    socket.once("close", closed);
    socket.write(bytes, (error) => {
      clearTimeout(stalled);
      socket.off("close", closed);
      if (error) fail(error.message);
      else resolve();
    });
    if (socket.destroyed) closed();
  });
}

function protocolOf(socket: Socket): string {
  if (!(socket instanceof TLSSocket)) return "plain TCP";
  const subject = socket.getPeerCertificate().subject as { CN?: string } | undefined;
  return `${socket.getProtocol()}, as ${shown(String(subject?.CN ?? "nobody"))}`;
}
