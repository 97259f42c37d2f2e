/**
 * The trial's database server: a real PostgreSQL 17 on a unix socket, with no network and no password. Who connects is who the
 * Linux kernel says it is (peer authentication): the database proxy as `silo-database`, root as the superuser.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { OutsideError, startDaemon } from "./daemon.ts";

type Connection<U extends string> = { host: string; database: "shop"; user: U };

export type Postgres = {
  /** For the database proxy: what its credential `database.json` holds. */
  readonly connection: Connection<"silo-database">;
  /** For setting up and counting in the trial; only root is let in. */
  readonly superuser: Connection<"postgres">;
  /** Clean stop; open transactions are rolled back. Settles when the server has gone. */
  stop(): Promise<void>;
};

const PROGRAMS = "/usr/lib/postgresql/17/bin";
/** Arguments of setpriv(1). */
const AS_POSTGRES = ["--pdeathsig", "INT", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--"];
const PROXY_GROUP = "silo-database";

/** `local` lines only: there is no other way in. The map lets root in as the superuser. */
const HBA = "local all postgres peer map=superuser\nlocal shop silo-database peer\n";
const IDENT = "superuser postgres postgres\nsuperuser root postgres\n";

/** What a statement was about stays out of the server's log: it would hold the shop's personal data. */
const SETTINGS = {
  listen_addresses: "",
  max_connections: "40",
  shared_buffers: "32MB",
  log_error_verbosity: "terse",
  log_min_messages: "log",
  log_min_error_statement: "panic",
};

/**
 * Makes the cluster in `folder` where there is none, starts the server, and settles when the database `shop` answers. Run it as root.
 * `socket` is the directory of its socket, open to the database proxy's group alone. Throws `OutsideError`.
 */
export async function startPostgres({
  folder = "/var/silo/postgres",
  socket = "/run/shop",
}: {
  folder?: string;
  socket?: string;
} = {}): Promise<Postgres> {
  const cluster = join(folder, "cluster");
  if (!existsSync(cluster)) makeCluster(folder, cluster);
  makeSocketFolder(socket);
  const settings = Object.entries({ ...SETTINGS, unix_socket_directories: socket });
  const argv = [
    `${PROGRAMS}/postgres`,
    "-D",
    cluster,
    ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
  const admin = { host: socket, user: "postgres", database: "postgres" };
  const daemon = await startDaemon("PostgreSQL", [...AS_POSTGRES, ...argv], join(folder, "log"), () => answers(admin));
  await makeDatabase(admin);
  return {
    connection: { host: socket, database: "shop", user: "silo-database" },
    superuser: { host: socket, database: "shop", user: "postgres" },
    stop: () => daemon.stop("SIGINT"),
  };
}

/** Under another name until it is whole: a cluster that is there can be started. */
function makeCluster(folder: string, cluster: string): void {
  const partial = `${cluster}.partial`;
  mkdirSync(folder, { recursive: true });
  execFileSync("chown", ["postgres:postgres", folder]);
  chmodSync(folder, 0o700);
  rmSync(partial, { recursive: true, force: true });
  const argv = ["--pgdata", partial, "--encoding=UTF8", "--locale=C.UTF-8", "--auth=peer", "--no-instructions"];
  runAsPostgres([`${PROGRAMS}/initdb`, ...argv]);
  writeFileSync(join(partial, "pg_hba.conf"), HBA);
  writeFileSync(join(partial, "pg_ident.conf"), IDENT);
  renameSync(partial, cluster);
}

function makeSocketFolder(socket: string): void {
  mkdirSync(socket, { recursive: true });
  execFileSync("chown", [`postgres:${PROXY_GROUP}`, socket]);
  chmodSync(socket, 0o710);
}

function runAsPostgres(argv: string[]): void {
  try {
    execFileSync("setpriv", [...AS_POSTGRES, ...argv], { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  } catch (error) {
    throw new OutsideError(`PostgreSQL could not make its cluster: ${(error as { stderr?: string }).stderr ?? error}`);
  }
}

async function answers(config: pg.ClientConfig): Promise<boolean> {
  const client = new pg.Client(config);
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function makeDatabase(config: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(config);
  await client.connect();
  try {
    const { rowCount } = await client.query("select 1 from pg_database where datname = 'shop'");
    if (rowCount === 0) await client.query("create database shop");
  } finally {
    await client.end();
  }
}
