/** The trial's shop on a PostgreSQL of this test's own, and ways to look into it. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type Postgres, startPostgres } from "../../../console/trial/postgres.ts";
import { loadShop } from "../../../console/trial/shop.ts";

export type Shop = {
  postgres: Postgres;
  /** One statement as the superuser; its rows. */
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** One statement as a user of this machine, with psql and what that user is given. Output, or the error's text. */
  psql(user: string, sql: string): string;
  stopServer(): Promise<void>;
  startServer(): Promise<void>;
  end(): Promise<void>;
};

export async function openShop(): Promise<Shop> {
  const scratch = mkdtempSync(join(tmpdir(), "silo-pg-"));
  chmodSync(scratch, 0o711);
  const where = { folder: join(scratch, "postgres"), socket: join(scratch, "socket") };
  const postgres = await startPostgres(where);
  let running: Postgres | undefined = postgres;
  await loadShop(postgres);
  return {
    postgres,
    async query(sql, values) {
      const client = new pg.Client(postgres.superuser);
      await client.connect();
      try {
        return (await client.query(sql, values)).rows;
      } finally {
        await client.end();
      }
    },
    psql(user, sql) {
      const as = [`--reuid=${user}`, `--regid=${user}`, "--clear-groups", "--"];
      const argv = ["psql", "-h", where.socket, "-d", "shop", "-U", "silo-database", "-XAtqc", sql];
      const { stdout, stderr } = spawnSync("setpriv", [...as, ...argv], { encoding: "utf8" });
      return `${stdout}${stderr}`.trim();
    },
    async stopServer() {
      await running?.stop();
      running = undefined;
    },
    async startServer() {
      running = await startPostgres(where);
    },
    async end() {
      await running?.stop();
      rmSync(scratch, { recursive: true });
    },
  };
}

/** Waits until `sql` counts at least one. */
export async function until(shop: Shop, sql: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const [row] = await shop.query(sql);
    if (Number(row?.["count"]) > 0) return;
    await sleep(10);
  }
  throw new Error(`It never happened: ${sql}`);
}
