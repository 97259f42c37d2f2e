import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { lockState } from "../../../console/up/lock.ts";
import { boundLogFile, openLogFile } from "../../../console/up/log-file.ts";
import { type Happening, RESTART_MS_FIRST, type Supervised, supervise } from "../../../console/up/supervise.ts";

const serving = () => node("process.send({ ready: true, status: 'serving' }); setInterval(() => {}, 1000)");
const stubborn = () =>
  node("process.on('SIGTERM', () => {}); process.send({ ready: true }); setInterval(() => {}, 1000)");
const failing = () => node("process.exit(70)");

function node(program: string) {
  return spawn(process.execPath, ["-e", program], { stdio: ["ignore", "ignore", "ignore", "ipc"] });
}

let running: Supervised | undefined;
afterEach(() => running?.stop());

describe("a supervised process", () => {
  test("is ready when it says so, not before", async () => {
    running = supervise("one", serving, () => {});
    expect(running.ready()).toBe(false);
    await running.whenReady();
    expect(running.ready()).toBe(true);
  });

  test("is started again after SIGKILL, as another process", async () => {
    const happened: Happening[] = [];
    running = supervise("one", serving, (happening) => happened.push(happening));
    await running.whenReady();
    const first = running.pid();
    await running.kill9();
    expect(running.ready()).toBe(false);
    await running.whenReady();
    expect(running.pid()).not.toBe(first);
    expect(happened.map(({ what }) => what)).toEqual(["ready", "ended", "ready"]);
    expect(happened[1]).toMatchObject({ ended: "SIGKILL", again_in_ms: RESTART_MS_FIRST });
  });

  test("that keeps failing is started less and less often", async () => {
    const pauses: number[] = [];
    running = supervise("one", failing, (it) => it.what === "ended" && pauses.push(it.again_in_ms));
    await expect.poll(() => pauses.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(4);
    expect(pauses.slice(0, 4)).toEqual([100, 200, 400, 800]);
  });

  test("that keeps failing is started again within the longest pause", async () => {
    const pauses: number[] = [];
    running = supervise("one", failing, (it) => it.what === "ended" && pauses.push(it.again_in_ms), 150);
    await expect.poll(() => pauses.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(4);
    expect(pauses.slice(0, 4)).toEqual([100, 150, 150, 150]);
  });

  test("that cannot be started at all is reported, not thrown", async () => {
    const ends: string[] = [];
    const missing = () => spawn("/nonexistent", [], { stdio: ["ignore", "ignore", "ignore", "ipc"] });
    running = supervise("one", missing, (it) => it.what === "ended" && ends.push(it.ended));
    await expect.poll(() => ends[0]).toContain("ENOENT");
  });

  test("is gone after stop and stays gone", async () => {
    running = supervise("one", serving, () => {});
    await running.whenReady();
    const pid = running.pid() as number;
    await running.stop();
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    await new Promise((resolve) => setTimeout(resolve, 2 * RESTART_MS_FIRST));
    expect(running.pid()).toBeUndefined();
  });

  test("that does not heed SIGTERM is killed", async () => {
    running = supervise("one", stubborn, () => {});
    await running.whenReady();
    const pid = running.pid() as number;
    await running.stop();
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  }, 20_000);
});

describe("a log file", () => {
  const BOUND = 100;
  test("is set aside when it is over the bound, and the writer goes on", () => {
    const scratch = mkdtempSync(join(tmpdir(), "log-"));
    const path = `${scratch}/one.log`;
    const log = openLogFile(path);
    writeSync(log, "x".repeat(BOUND));
    boundLogFile(path, log, BOUND);
    expect(statSync(path).size).toBe(BOUND);
    writeSync(log, "y");
    boundLogFile(path, log, BOUND);
    expect(statSync(path).size).toBe(0);
    writeSync(log, "new");
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(readFileSync(`${path}.1`, "utf8")).toHaveLength(BOUND + 1);
    rmSync(scratch, { recursive: true });
  });
});

describe("the lock of a state directory", () => {
  test("is held once, given back, and told apart from another directory's", async () => {
    const [one, other] = [mkdtempSync(join(tmpdir(), "lock-")), mkdtempSync(join(tmpdir(), "lock-"))];
    const unlock = await lockState(one);
    await expect(lockState(one)).rejects.toThrow("running already");
    const unlockOther = await lockState(other);
    unlock();
    unlockOther();
    const again = await lockState(one);
    again();
    rmSync(one, { recursive: true });
    rmSync(other, { recursive: true });
  });
});
