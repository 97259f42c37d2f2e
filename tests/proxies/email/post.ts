/** A real mail server of this test's own, and a wire to it on which replies can be held, changed or cut. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Mail, readMails } from "../../../console/trial/smtp.ts";
import { apart } from "../proxy/apart.ts";

/** What becomes of a reply of the server: sent on, kept for ever, the connection cut in its place, or another reply. */
type Fate = "pass" | "hold" | "cut" | { say: string };

export type Post = {
  /** What the email proxy's credential holds: it leads over the wire. */
  connection: { host: string; port: number; tls: "none"; from: string; domain: string };
  /** Judges every reply line of the server from now on. */
  judge(fate: (line: string) => Fate): void;
  /** Settles when a reply has been held. */
  held(): Promise<void>;
  /** Mails whose body contains `words`, after `expected` of them could arrive. */
  mails(words: string, expected: number): Promise<Mail[]>;
  stopWire(): Promise<void>;
  startWire(): Promise<void>;
  end(): Promise<void>;
};

const DELIVERY_MS_MAX = 5000;
/** So long a mail too many may take to show. */
const QUIET_MS = 400;

export async function openPost(): Promise<Post> {
  const scratch = mkdtempSync(join(tmpdir(), "silo-smtp-"));
  chmodSync(scratch, 0o711);
  const maildir = join(scratch, "mail");
  const { child, connection } = await startServer(scratch, maildir);
  let fate: (line: string) => Fate = () => "pass";
  let onHeld = Promise.withResolvers<void>();
  const sockets = new Set<Socket>();
  let wire = await listenOn(0);
  const { port } = wire.address() as { port: number };

  async function listenOn(at: number): Promise<Server> {
    const server = createServer((client) => {
      const upstream = dial(connection.port, connection.host);
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on("error", () => undefined);
        socket.once("close", () => sockets.delete(socket));
      }
      client.pipe(upstream);
      client.once("close", () => upstream.destroy());
      upstream.once("end", () => client.end());
      upstream.setEncoding("latin1").on("data", (text: string) => {
        for (const line of text.split(/(?<=\n)/)) pass(line, client);
      });
    });
    server.listen(at, "127.0.0.1");
    await once(server, "listening");
    return server;
  }

  function pass(line: string, client: Socket): void {
    const judged = fate(line);
    if (judged === "pass") client.write(line);
    else if (judged === "cut") client.destroy();
    else if (judged === "hold") onHeld.resolve();
    else client.write(`${judged.say}\r\n`);
  }

  return {
    connection: { ...connection, port },
    judge(next) {
      fate = next;
      onHeld = Promise.withResolvers<void>();
    },
    held: () => onHeld.promise,
    async mails(words, expected) {
      const matching = () => readMails(maildir).filter(({ text }) => text.includes(words));
      for (const until = Date.now() + DELIVERY_MS_MAX; matching().length < expected && Date.now() < until; )
        await sleep(20);
      await sleep(QUIET_MS);
      return matching();
    },
    async stopWire() {
      for (const socket of sockets) socket.destroy();
      wire.close();
      await once(wire, "close");
    },
    async startWire() {
      wire = await listenOn(port);
    },
    async end() {
      wire.close();
      for (const socket of sockets) socket.destroy();
      child.stdin?.end();
      await once(child, "exit");
      rmSync(scratch, { recursive: true });
    },
  };
}

async function startServer(scratch: string, maildir: string) {
  for (const folder of ["run", "spool"]) mkdirSync(join(scratch, folder), { mode: 0o711 });
  const script = fileURLToPath(new URL("./server.ts", import.meta.url));
  const [program, ...argv] = apart(
    [
      [join(scratch, "run"), "/run"],
      [join(scratch, "spool"), "/var/spool/smtpd"],
    ],
    [process.execPath, script, join(scratch, "server"), maildir],
  );
  const child: ChildProcess = spawn(program, argv, { stdio: ["pipe", "pipe", "inherit"] });
  const [first] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  return { child, connection: JSON.parse(first.toString()) as Post["connection"] };
}
