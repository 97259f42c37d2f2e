/** The outside systems of the trial: real servers that start, load, stop, and say why when they do not. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { OutsideError } from "../../../console/trial/daemon.ts";
import { startPostgres } from "../../../console/trial/postgres.ts";
import { loadShop, readRefunds } from "../../../console/trial/shop.ts";
import { readMails, startSmtp } from "../../../console/trial/smtp.ts";

let scratch = "";
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "silo-outside-"));
  chmodSync(scratch, 0o711);
});
afterEach(() => rmSync(scratch, { recursive: true }));

const postgresIn = (folder: string) => ({ folder: join(scratch, folder), socket: join(scratch, "socket") });

/** Processes of this machine whose command line holds `words`. */
function running(words: string): number {
  const lines = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((id) => {
      try {
        return readFileSync(`/proc/${id}/cmdline`, "latin1");
      } catch {
        return "";
      }
    });
  return lines.filter((line) => line.includes(words)).length;
}

test("the shop survives a restart of its server and is loaded once", async () => {
  const first = await startPostgres(postgresIn("pg"));
  await loadShop(first);
  await loadShop(first);
  await first.stop();
  expect(running(scratch)).toBe(0);
  const second = await startPostgres(postgresIn("pg"));
  await loadShop(second);
  expect(await readRefunds(second)).toEqual([]);
  await second.stop();
});

test("the server goes when the process that started it is killed", async () => {
  const module = new URL("../../../console/trial/postgres.ts", import.meta.url).href;
  const script = `
    import { startPostgres } from ${JSON.stringify(module)};
    await startPostgres(${JSON.stringify(postgresIn("pg"))});
    console.log("ready");
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  expect(running(join(scratch, "pg/cluster"))).toBeGreaterThan(0);
  child.kill("SIGKILL");
  for (let tries = 0; tries < 100 && running(join(scratch, "pg/cluster")) > 0; tries++) await sleep(50);
  expect(running(join(scratch, "pg/cluster"))).toBe(0);
});

test("a database server that does not start says why", async () => {
  const server = await startPostgres(postgresIn("pg"));
  await server.stop();
  writeFileSync(join(scratch, "pg/cluster/postgresql.conf"), "no_such_setting = 1\n");
  const failed = startPostgres(postgresIn("pg"));
  await expect(failed).rejects.toThrow(OutsideError);
  await expect(failed).rejects.toThrow(/PostgreSQL did not start.*no_such_setting/s);
  expect(running(scratch)).toBe(0);
});

test("a mail server whose port is taken says why", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  const port = await new Promise<number>((resolve) =>
    server.once("listening", () => resolve((server.address() as { port: number }).port)),
  );
  const failed = startSmtp({ port, maildir: join(scratch, "mail"), folder: join(scratch, "smtp") });
  await expect(failed).rejects.toThrow(OutsideError);
  await expect(failed).rejects.toThrow(/OpenSMTPD did not start/);
  server.close();
});

test("a mailbox nothing was delivered to is empty", () => {
  expect(readMails(join(scratch, "mail"))).toEqual([]);
});
