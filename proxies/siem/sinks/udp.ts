/**
 * Syslog over UDP (RFC 5426), for those who ask for it: nobody ever knows what arrived.
 *
 * Threat: datagrams are lost where they are sent faster than they are read, and those that are too long never leave.
 * Contract: one event, one datagram, paced. What does not fit is counted as dropped: with this carrier alone an event can be.
 */
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { SyslogDestination } from "../../../kernel/abi/export.ts";
import { NotTaken, type Sink, shown } from "../sink.ts";
import { OVERLAP_BYTES } from "./stream.ts";
import { syslogMessage } from "./syslog.ts";

/** What an IPv4 datagram holds. */
export const DATAGRAM_BYTES_MAX = 65_507;
/** Datagrams between two rests. */
const BURST = 32;
const REST_MS = 10;

export function udpSink(to: SyslogDestination): Sink {
  let opening: Promise<Socket> | undefined;
  let gone: string | null = null;

  async function open(): Promise<Socket> {
    try {
      const { address, family } = await lookup(to.host);
      const socket = createSocket(family === 6 ? "udp6" : "udp4");
      socket.connect(to.port, address);
      await once(socket, "connect");
      socket.on("error", (error) => {
        gone ??= shown(error.message);
      });
      return socket;
    } catch (error) {
      throw new NotTaken(`${to.host}:${to.port} cannot be reached: ${shown((error as Error).message)}.`);
    }
  }

  return {
    overlapBytes: OVERLAP_BYTES,
    async send(events) {
      opening ??= open();
      const socket = await opening;
      const messages = events.map(syslogMessage);
      const fitting = messages.filter(({ length }) => length <= DATAGRAM_BYTES_MAX);
      for (let at = 0; at < fitting.length; at += BURST) {
        if (gone !== null) throw new NotTaken(gone);
        await Promise.all(fitting.slice(at, at + BURST).map((message) => sendOne(socket, message)));
        await sleep(REST_MS);
      }
      return {
        said: `sent to ${to.host}:${to.port} over UDP; whether it arrived nobody can tell`,
        dropped: messages.length - fitting.length,
      };
    },
    lost: () => (gone === null ? null : `${to.host}:${to.port} does not take datagrams: ${gone}.`),
    close: () => void opening?.then((socket) => socket.close()).catch(() => undefined),
  };
}

function sendOne(socket: Socket, message: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(message, (error) =>
      error ? reject(new NotTaken(`A datagram did not leave: ${shown(error.message)}.`)) : resolve(),
    );
  });
}
