import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { command } from "../../../console/up/command.ts";
import { compileFilter, deniedCalls, parseCallTable } from "../../../console/up/filter.ts";

const EPERM = 1;
const arch = process.arch === "arm64" ? "arm64" : "x64";
let table: Map<string, number>;
let scratch: string;

beforeAll(() => {
  table = parseCallTable(command("enosys", "--list"));
  scratch = mkdtempSync(join(tmpdir(), "filter-"));
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** The errno a root process under `filter` gets from one system call with this first argument, or the signal that ends it. */
function attempt(filter: Buffer, number: number, argument = 0): string {
  writeFileSync(`${scratch}/filter`, filter);
  const probe = `my $r = syscall(${number}, ${argument}, 0, 0, 0, 0); print $r < 0 ? $!+0 : 0`;
  const { stdout, signal } = spawnSync("setpriv", [`--seccomp-filter=${scratch}/filter`, "perl", "-e", probe], {
    encoding: "utf8",
  });
  return signal ?? stdout;
}

const plain = deniedCalls.filter((row) => row.argument === undefined);

describe("every row", () => {
  test("stops its call in a process that is not excepted, root or not", () => {
    const filter = compileFilter("door", table, arch);
    const present = plain.filter(({ deny }) => table.has(deny));
    expect(present.length).toBeGreaterThan(40);
    for (const { deny } of present) {
      const number = table.get(deny) as number;
      expect({ deny, errno: attempt(filter, number) }).toEqual({ deny, errno: String(EPERM) });
    }
  });

  test("is needed: without it the call gets past the filter", () => {
    const nothing = compileFilter("door", table, arch, []);
    const harmless = ["keyctl", "ptrace", "bpf", "unshare", "io_uring_setup", "perf_event_open", "process_vm_readv"];
    for (const name of harmless)
      expect({ name, errno: attempt(nothing, table.get(name) as number) }).not.toEqual({ name, errno: String(EPERM) });
  });

  test("names its reason, and no call twice for one process", () => {
    expect(deniedCalls.every(({ reason }) => reason.length > 10)).toBe(true);
    expect(new Set(plain.map(({ deny }) => deny)).size).toBe(plain.length);
  });
});

describe("the kernel's keys", () => {
  test("are reached by the kernel, which joins its keyring, but not through the keyring all appliances share", () => {
    const filter = compileFilter("kernel", table, arch);
    const keyctl = table.get("keyctl") as number;
    expect(attempt(filter, keyctl, 0)).not.toBe(String(EPERM)); // KEYCTL_GET_KEYRING_ID
    expect(attempt(filter, keyctl, 22)).toBe(String(EPERM));
    expect(attempt(filter, keyctl, 0x5_0000_0016)).toBe(String(EPERM)); // the Linux kernel reads an int
  });

  test("are not reached by the process that talks to cells", () => {
    expect(attempt(compileFilter("door", table, arch), table.get("keyctl") as number, 0)).toBe(String(EPERM));
  });
});

test.runIf(arch === "x64")("a call by the x32 table ends the process", () => {
  expect(attempt(compileFilter("door", table, arch), 0x4000_0000 + 39)).toBe("SIGSYS");
});

test("a process of another architecture is ended", () => {
  const foreign = compileFilter("door", table, arch === "x64" ? "arm64" : "x64");
  expect(attempt(foreign, table.get("getpid") as number)).toBe("SIGSYS");
});

test("an unreadable table names nothing", () => {
  expect(parseCallTable("no calls here").size).toBe(0);
});
