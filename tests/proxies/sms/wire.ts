/**
 * A wire between the proxy and the SMSC that sees PDUs. While nobody is at the proxy's end it keeps receipts, as an SMSC does, and hands
 * them over after the next bind.
 */
import { once } from "node:events";
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { answeredId, COMMAND, commandOf, readSubmitted, sequenceOf, splitter, withReference } from "./pdu.ts";

/** What becomes of a PDU: sent on, kept for ever, the connection cut in its place, or another one. */
export type Fate = "pass" | "hold" | "cut" | { instead: Buffer } | { answer: Buffer };
export type Judge = (pdu: Buffer, toward: "smsc" | "proxy") => Fate;

export type Wire = {
  port: number;
  judge(fate: Judge): void;
  /** Settles when a PDU has been held. */
  held(): Promise<void>;
  /** Breaks what is connected. */
  cut(): void;
  stopWire(): Promise<void>;
  startWire(): Promise<void>;
  close(): Promise<void>;
};

/** The SMSC sends its receipt a second after it took the message: so long it finds its end open. */
const LINGER_MS = 2500;

export async function openWire(smscPort: number, references: boolean): Promise<Wire> {
  let fate: Judge = () => "pass";
  let onHeld = Promise.withResolvers<void>();
  const ends = new Set<Socket>();
  const kept: Buffer[] = [];
  const byId = new Map<string, number>();
  let server = await listenOn(0);
  const { port } = server.address() as { port: number };

  async function listenOn(at: number): Promise<Server> {
    const made = createServer((client) => join(client, dial(smscPort, "127.0.0.1")));
    made.listen(at, "127.0.0.1");
    await once(made, "listening");
    return made;
  }

  function join(client: Socket, smsc: Socket): void {
    const sent = new Map<number, number>();
    for (const socket of [client, smsc]) {
      ends.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => ends.delete(socket));
    }
    const [upward, downward] = [splitter(), splitter()];
    client.on("data", (chunk: Buffer) => {
      for (const pdu of upward(chunk)) {
        note(pdu, sent);
        pass(pdu, "smsc", client, smsc);
      }
    });
    smsc.on("data", (chunk: Buffer) => {
      for (const pdu of downward(chunk)) {
        note(pdu, sent);
        const marked = references ? mark(pdu) : pdu;
        if (client.destroyed && commandOf(pdu) === COMMAND.deliver_sm) kept.push(marked);
        else pass(marked, "proxy", client, client);
        if (commandOf(pdu) === COMMAND.bind_transceiver_resp)
          for (const receipt of kept.splice(0)) client.write(receipt);
      }
    });
    client.once("close", () => setTimeout(() => smsc.destroy(), LINGER_MS).unref());
    smsc.once("close", () => client.destroy());
  }

  /** Which reference the message of which id has. */
  function note(pdu: Buffer, sent: Map<number, number>): void {
    if (commandOf(pdu) === COMMAND.submit_sm) sent.set(sequenceOf(pdu), readSubmitted(pdu).reference ?? 0);
    if (commandOf(pdu) === COMMAND.submit_sm_resp) byId.set(answeredId(pdu), sent.get(sequenceOf(pdu)) ?? 0);
  }

  function mark(pdu: Buffer): Buffer {
    const id = commandOf(pdu) === COMMAND.deliver_sm && /id:(\d+)/.exec(pdu.toString("latin1"))?.[1];
    const reference = id ? byId.get(Number(id).toString(16)) : undefined;
    return reference === undefined ? pdu : withReference(pdu, reference);
  }

  function pass(pdu: Buffer, toward: "smsc" | "proxy", client: Socket, target: Socket): void {
    const judged = fate(pdu, toward);
    if (judged === "pass") target.write(pdu);
    else if (judged === "cut") client.destroy();
    else if (judged === "hold") onHeld.resolve();
    else if ("answer" in judged) client.write(judged.answer);
    else target.write(judged.instead);
  }

  return {
    port,
    judge(next) {
      fate = next;
      onHeld = Promise.withResolvers<void>();
    },
    held: () => onHeld.promise,
    cut() {
      for (const socket of ends) socket.destroy();
    },
    async stopWire() {
      for (const socket of ends) socket.destroy();
      server.close();
      await once(server, "close");
    },
    async startWire() {
      server = await listenOn(port);
    },
    async close() {
      server.close();
      for (const socket of ends) socket.destroy();
    },
  };
}
