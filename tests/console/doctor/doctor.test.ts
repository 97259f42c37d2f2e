/** `silo doctor` as it is run, in namespaces of its own, where guards are really taken away. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { exits } from "../../../console/cli/exits.ts";
import type { Finding } from "../../../console/doctor/finding.ts";
import { slotUids } from "../../../jail/processes.ts";
import { SLOTS_MAX } from "../../../kernel/abi/bounds.ts";
import { makeState } from "../apart.ts";

let state: string;
let holder: ChildProcess;
beforeEach(async () => {
  state = makeState();
  const script =
    'ip link set lo up && mount --bind "$0/run" /run/silo && mount --bind "$0/var" /var/silo && echo there && exec sleep infinity';
  holder = spawn("unshare", ["--net", "--mount", "--", "sh", "-c", script, state], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(holder.stdout as Readable, "data");
});
afterEach(() => {
  holder.kill("SIGKILL");
  rmSync(state, { recursive: true, force: true });
});

function inside(...argv: string[]) {
  const enter = [`--target=${holder.pid}`, "--net", "--mount", "--wd=/opt/silo", "--"];
  const { status, stdout, stderr } = spawnSync("nsenter", [...enter, ...argv], { encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

function doctor(): { exit: number | null; of(probe: string): Finding | undefined } {
  const { status, out, err } = inside("node", "console/doctor/main.ts", "--json");
  if (out === "") throw new Error(err);
  const { findings } = JSON.parse(out) as { findings: Finding[] };
  return { exit: status, of: (probe) => findings.find((one) => one.probe === probe) };
}

/** Puts a file of this text in the place of a program or a file of the system. */
function replace(path: string, text: string): void {
  const other = join(state, "replacement");
  writeFileSync(other, text);
  chmodSync(other, 0o755);
  inside("mount", "--bind", other, path);
}

const NSPAWN = "/usr/bin/systemd-nspawn";

test("where everything that is required is there it ends with 0, and says each thing in a line", () => {
  const { status, out } = inside("node", "console/doctor/main.ts");
  expect(out).not.toMatch(/^missing/m);
  expect(status).toBe(exits.done);
  for (const isolation of ["gvisor", "nspawn"])
    expect(out).toMatch(new RegExp(`^holds +cell \\(${isolation}\\) +a real cell was started`, "m"));
  expect(out).toMatch(/\n\d+ hold, \d+ lowered, 0 missing \(mode: trial\)\.\n$/);
  for (const [, todo] of out.matchAll(/^lowered.*\n(.*)$/gm)) expect(todo).toMatch(/^ +-> /);
});

test("the firewall: absent, in force, changed, flushed, gone", () => {
  expect(doctor().of("firewall")).toMatchObject({
    state: "lowered",
    todo: expect.stringContaining("silo firewall apply"),
  });
  inside("node", "nftables/main.ts", "apply");
  expect(doctor().of("firewall")).toMatchObject({ state: "holds" });
  inside("nft", "flush", "chain", "inet", "silo", "email");
  expect(doctor().of("firewall")).toMatchObject({
    state: "lowered",
    means: expect.stringContaining("somebody changed"),
  });
  inside("nft", "flush", "ruleset");
  expect(doctor().of("firewall")).toMatchObject({ state: "lowered", means: expect.stringContaining("no firewall") });
}, 120_000);

test("nspawn that does not run, and nspawn that leaves a guard out", () => {
  replace(NSPAWN, "#!/bin/sh\nexit 1\n");
  expect(doctor()).toMatchObject({ exit: exits.refused });
  inside("umount", NSPAWN);
  const real = join(state, "nspawn");
  copyFileSync(NSPAWN, real);
  chmodSync(real, 0o755);
  replace(
    NSPAWN,
    `#!/bin/sh\nfor one do shift; [ "$one" = --user=agent ] || set -- "$@" "$one"; done\nexec ${real} "$@"\n`,
  );
  const { exit, of } = doctor();
  expect(of("cell (nspawn)")).toMatchObject({ state: "missing", means: expect.stringContaining("is the user") });
  expect(exit).toBe(exits.refused);
}, 120_000);

test("a machine whose last slot is in use: cells are tried with users that no slot has", async () => {
  const { first } = slotUids(SLOTS_MAX - 1);
  const cell = spawn("setpriv", [`--reuid=${first}`, "--clear-groups", "sleep", "infinity"], { stdio: "ignore" });
  await once(cell, "spawn");
  const { out } = inside("node", "jail/try.ts");
  expect(JSON.parse(out)).toEqual(["gvisor", "nspawn"].map((isolation) => ({ isolation, why: null })));
  expect(cell.exitCode ?? cell.signalCode).toBeNull();
  cell.kill("SIGKILL");
});

test("gVisor that does not run", () => {
  replace("/usr/bin/runsc", "#!/bin/sh\nexit 1\n");
  const { exit, of } = doctor();
  expect(of("cell (gvisor)")).toMatchObject({ state: "missing" });
  expect(of("cell (nspawn)")).toMatchObject({ state: "holds" });
  expect(exit).toBe(exits.refused);
});

test("programs that lie: a filter that takes nothing away", () => {
  replace("/usr/bin/enosys", '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n');
  const { exit, of } = doctor();
  expect(of("syscall filter")).toMatchObject({ state: "missing", means: expect.stringContaining("still works") });
  expect(exit).toBe(exits.refused);
});

test("a user that is not there", () => {
  replace("/etc/passwd", readFileSync("/etc/passwd", "utf8").replace(/^silo-kv:.*\n/m, ""));
  const { exit, of } = doctor();
  expect(of("users")).toMatchObject({ state: "missing", means: expect.stringContaining("silo-kv") });
  expect(exit).toBe(exits.refused);
});

test("settings that cannot be read", () => {
  replace("/etc/silo/silo.yaml", "slots: many\n");
  const { exit, of } = doctor();
  expect(of("settings")).toMatchObject({ state: "missing", means: expect.stringContaining("silo.yaml:1") });
  expect(exit).toBe(exits.refused);
});
