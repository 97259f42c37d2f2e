/** On a real small disk: a full one, and one that takes no write. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";

const SMALL_DISK = 'mount -t tmpfs -o size=64m none "$0" && exec "$@"';
const sound = { missing: 0, unlogged: 0, reserved: true, refused: true };

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "silo-disk-"));
});
afterEach(() => rmSync(root, { recursive: true }));

async function run(
  disk: "small" | "large",
  ...argv: string[]
): Promise<{ exit: number | null; out: string; err: string }> {
  const script = new URL("full-disk-inside.ts", import.meta.url).pathname;
  const node = [process.execPath, script, root, ...argv];
  const small = ["unshare", "--mount", "--", "sh", "-c", SMALL_DISK, root];
  const [program = "", ...rest] = disk === "small" ? [...small, ...node] : node;
  const child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err, [exit]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { exit: exit as number | null, out, err };
}

test("a full disk: what is new stops, in the log too; nobody is told of what is not written; all goes on", async () => {
  const { out, err } = await run("small", "full");
  expect(JSON.parse(out || err)).toEqual({
    ...{ code: "DISK_FULL", logged: true, toldWhileBlocked: 0, stops: 1, resumes: 1, ...sound },
    log: { stops: 1, resumes: 1, unverified: 0 },
  });
}, 120_000);

test("a disk that takes nothing ends the process; its next life waits, says why and goes on; nothing anybody was told of is lost", async () => {
  const first = await run("large", "dies");
  expect(first.exit).not.toBe(0);
  const told = first.out.split("\n").filter((line) => /^[0-9]+$/.test(line));
  expect(told.length).toBeGreaterThan(100);
  const second = await run("large", "after", JSON.stringify(told.map(Number)));
  expect(second.err).toContain(JSON.stringify({ begun: null, stopped: "DISK_FAULT" }));
  expect(JSON.parse(second.out)).toMatchObject({ ...sound, log: { stops: 1, resumes: 1, unverified: 0 } });
}, 120_000);
