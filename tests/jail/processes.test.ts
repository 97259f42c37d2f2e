import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { allUids, processesIn, processesOf, slotUids } from "../../jail/processes.ts";

let proc: string;
beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), "silo-proc-"));
});
afterEach(() => rmSync(proc, { recursive: true }));

/** A process as proc_pid_status(5) shows it: real, effective, saved and file system user. */
function put(pid: number, uids: number[], state = "S (sleeping)", argv: string[] = []): void {
  mkdirSync(join(proc, String(pid)));
  writeFileSync(
    join(proc, `${pid}/status`),
    `Name:\tx\nState:\t${state}\nUid:\t${uids.join("\t")}\nGid:\t0\t0\t0\t0\n`,
  );
  writeFileSync(join(proc, `${pid}/cmdline`), argv.map((one) => `${one}\0`).join(""));
}

describe("the uid ranges", () => {
  test("of neighbouring slots touch and do not overlap", () => {
    expect(slotUids(0)).toEqual({ first: 524_288, last: 589_823 });
    expect(slotUids(1).first).toBe(slotUids(0).last + 1);
    expect(allUids).toEqual({ first: slotUids(0).first, last: slotUids(99).last });
  });
});

describe("the processes of a range", () => {
  test("are those any of whose users lies in it, to the last one", () => {
    const { first, last } = slotUids(1);
    put(10, [first, first, first, first]);
    put(11, [0, 0, 0, last]);
    put(12, [first - 1, first - 1, first - 1, first - 1]);
    put(13, [last + 1, last + 1, last + 1, last + 1]);
    put(14, [0, 0, 0, 0]);
    expect(processesIn(slotUids(1), proc).sort()).toEqual([10, 11]);
  });

  test("are not the dead that nobody has waited for, and one that ends meanwhile is none", () => {
    put(10, [524_288, 524_288, 524_288, 524_288], "Z (zombie)");
    mkdirSync(join(proc, "11"));
    expect(processesIn(slotUids(0), proc)).toEqual([]);
  });
});

test("processes of a program are found by its path and one argument, not by a part of either", () => {
  put(10, [0, 0, 0, 0], "S", ["/usr/bin/nspawn", "--directory=/a"]);
  put(11, [0, 0, 0, 0], "S", ["/usr/bin/nspawn", "--directory=/ab"]);
  put(12, [0, 0, 0, 0], "S", ["nspawn", "--directory=/a"]);
  expect(processesOf("/usr/bin/nspawn", "--directory=/a", proc)).toEqual([10]);
});
