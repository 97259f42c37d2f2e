/** The systems outside that a task reaches: real servers, each of which can be killed and started again where it was. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { type Postgres, startPostgres } from "../../console/trial/postgres.ts";
import { loadShop } from "../../console/trial/shop.ts";
import { type Smtp, startSmtp } from "../../console/trial/smtp.ts";
import { readAccounts } from "../../console/up/accounts.ts";
import type { Outside } from "../../console/up/credentials.ts";
import { processesIn } from "../../jail/processes.ts";
import { openSmsc, type Smsc } from "../proxies/sms/smsc.ts";
import { openMails } from "./mails.ts";

const GONE_POLL_MS = 5;

export type Outsiders = {
  postgres: Postgres;
  smsc: Smsc;
  mails: ReturnType<typeof openMails>;
  credentials(): Outside;
  killPostgres(): Promise<void>;
  killSmtp(): Promise<void>;
  stop(): Promise<void>;
};

export async function startOutsiders(): Promise<Outsiders> {
  let postgres: Postgres = await startPostgres();
  await loadShop(postgres);
  let smtp: Smtp = await startSmtp();
  const smsc = await openSmsc({ references: false });
  return {
    get postgres() {
      return postgres;
    },
    smsc,
    mails: openMails(),
    credentials: () => ({ database: postgres.connection, smtp: smtp.connection, smpp: smsc.credential }),
    async killPostgres() {
      const uid = readAccounts().uid("postgres");
      await killAll(() => processesIn({ first: uid, last: uid }));
      postgres = await startPostgres();
    },
    async killSmtp() {
      const { port } = smtp.connection;
      await killAll(() => processesNamed("smtpd"));
      smtp = await startSmtp({ port });
    },
    async stop() {
      await smsc.end();
      await smtp.stop();
      await postgres.stop();
    },
  };
}

/** SIGKILL to all at once, as when their machine loses power; settles when none is left. */
export async function killAll(find: () => number[]): Promise<number> {
  let killed = 0;
  for (let pids = find(); pids.length > 0; pids = find()) {
    killed += pids.filter(kill).length;
    await pause(GONE_POLL_MS);
  }
  return killed;
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false; // it ended by itself
  }
}

/** By the name the Linux kernel has for them (proc_pid_comm(5)); the dead (zombies) are not counted. */
function processesNamed(name: string): number[] {
  const stat = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/stat`, "utf8");
    } catch {
      return ""; // it ended between the listing and the reading
    }
  };
  const isLive = (pid: string) =>
    stat(pid).startsWith(`${pid} (${name}) `) && !stat(pid).startsWith(`${pid} (${name}) Z`);
  return readdirSync("/proc")
    .filter((entry) => /^[0-9]+$/.test(entry) && isLive(entry))
    .map(Number);
}
