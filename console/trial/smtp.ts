/**
 * The trial's mail server: a real OpenSMTPD on the loopback that takes mail for anybody anywhere and delivers all of it into one
 * maildir. Its queue and control socket have fixed places, so there is one in a build root.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { type Daemon, OutsideError, startDaemon } from "./daemon.ts";
import { type Mail, parseMail } from "./mail.ts";

export type { Mail } from "./mail.ts";

export type Smtp = {
  /** For the email proxy: what its credential `smtp.json` holds. */
  readonly connection: { host: "127.0.0.1"; port: number; tls: "none"; from: string; domain: string };
  /** Mail that was accepted and not yet delivered stays in the queue. */
  stop(): Promise<void>;
};

const MAILDIR = "/var/silo/mail";
const HOST = "127.0.0.1";
/** Who the mailbox belongs to. OpenSMTPD delivers to no root. */
const OWNER = "nobody:nogroup";
const OWNER_IDS = "65534:65534";
const GREETING_MS_MAX = 1000;

/**
 * Starts it in the network namespace of this process and settles when it greets. Run it as root. `port` 0 takes a free one; `folder` gets
 * its configuration and log. Throws `OutsideError`.
 */
export async function startSmtp({
  port = 0,
  maildir = MAILDIR,
  folder = "/var/silo/smtp",
}: {
  port?: number;
  maildir?: string;
  folder?: string;
} = {}): Promise<Smtp> {
  const own = port === 0 ? await freePort() : port;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  mkdirSync(maildir, { recursive: true });
  execFileSync("chown", [OWNER, maildir]);
  const config = join(folder, "smtpd.conf");
  writeFileSync(config, configuration(own, maildir));
  const daemon: Daemon = await startDaemon(
    "OpenSMTPD",
    ["--pdeathsig", "TERM", "--", "smtpd", "-d", "-f", config],
    join(folder, "log"),
    () => greets(own),
  );
  return {
    connection: { host: HOST, port: own, tls: "none", from: "service@shop.example", domain: "shop.example" },
    stop: () => daemon.stop("SIGTERM"),
  };
}

function configuration(port: number, maildir: string): string {
  return [
    'table anybody { "@" = "mailbox" }',
    `table users { "mailbox" = "${OWNER_IDS}:${maildir}" }`,
    `listen on ${HOST} port ${port} hostname mail.shop.example`,
    `action "keep" maildir "${maildir}" userbase <users> virtual <anybody>`,
    'match from any for any action "keep"',
    "",
  ].join("\n");
}

/** A port nobody listens on now. Somebody may take it before we do: then OpenSMTPD says so and does not start. */
function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, HOST, () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new OutsideError("There is no free port."));
        else resolve(address.port);
      });
    });
  });
}

function greets(port: number): Promise<boolean> {
  const socket = connect({ host: HOST, port });
  socket.setTimeout(GREETING_MS_MAX, () => socket.destroy());
  return new Promise((resolve) => {
    socket.once("data", (chunk: Buffer) => {
      resolve(chunk.toString("latin1").startsWith("220 "));
      socket.end("QUIT\r\n");
    });
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}

/** Every delivered mail, decoded, in order of arrival. */
export function readMails(maildir = MAILDIR): Mail[] {
  const folder = join(maildir, "new");
  return namesIn(folder)
    .map((name) => join(folder, name))
    .map((path) => ({ path, arrived: statSync(path, { bigint: true }).mtimeNs }))
    .sort((a, b) => (a.arrived < b.arrived ? -1 : 1))
    .map(({ path }) => parseMail(readFileSync(path)));
}

/** The maildir gets its folders with its first mail. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
