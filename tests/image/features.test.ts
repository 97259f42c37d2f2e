import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureTrees } from "../../image/buildroot.ts";
import { type Ended, run } from "./run.ts";

let scratch: string;
beforeAll(async () => {
  await ensureTrees(() => {});
  scratch = mkdtempSync(join(tmpdir(), "silo-features-"));
}, 300_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function enter(argv: string[], input?: string): Promise<Ended> {
  const options = ["--state", join(scratch, "state"), "--bind-ro", `${scratch}:/mnt/test`];
  return run(["image/enter.sh", ...options, "--", ...argv], input === undefined ? {} : { input });
}

const CELL = "/usr/lib/silo/cell";
const UID_FIRST = 600_000;
const UIDS = 65_536;

/** What a cell says of itself, in one line of JSON. */
const SELF = `
import json, os
status = dict(line.rstrip("\\n").split(":\\t") for line in open("/proc/self/status") if ":\\t" in line)
print(json.dumps({"uid": os.getuid(), "capabilities": status["CapEff"], "root": "bin" in os.listdir("/")}))`;
const SAID = { uid: 1000, capabilities: "0000000000000000", root: true };

test("systemd-nspawn runs Python from the cell tree, mapped away from root and filtered", async () => {
  const { out, err } = await enter([
    ...["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--settings=no", "--timezone=off", "-D", CELL],
    ...["--private-network", "--read-only", `--private-users=${UID_FIRST}:${UIDS}`, "--private-users-ownership=off"],
    ...["--drop-capability=all", "--no-new-privileges=yes", "--as-pid2", "--user=agent", "--bind=/run/silo"],
    ...["--tmpfs=/work", "/usr/bin/python3", "-c"],
    `${SELF}\nprint(open("/proc/self/uid_map").read().split(), status["Seccomp"], os.listdir("/run"))`,
  ]);
  expect(err).toBe("");
  const [self = "", rest] = out.trim().split(/\r?\n/);
  expect(JSON.parse(self)).toEqual(SAID);
  expect(rest).toContain(`['0', '${UID_FIRST}', '${UIDS}'] 2 ['silo'`);
});

test("runsc runs Python from the cell tree on systrap, in a user namespace", async () => {
  const mapping = [{ containerID: 0, hostID: UID_FIRST, size: UIDS }];
  const namespaces = ["pid", "network", "ipc", "uts", "mount", "user"].map((type) => ({ type }));
  const process = { user: { uid: 1000, gid: 1000 }, args: ["/usr/bin/python3", "-c", SELF], cwd: "/", env: [] };
  const bundle = {
    ociVersion: "1.0.0",
    process: { ...process, noNewPrivileges: true },
    root: { path: CELL, readonly: true },
    mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
    linux: { namespaces, uidMappings: mapping, gidMappings: mapping },
  };
  writeFileSync(join(scratch, "config.json"), JSON.stringify(bundle));
  const { out, err } = await enter([
    ...["runsc", "--root=/run/runsc", "--network=none", "--platform=systrap", "--host-uds=open", "--ignore-cgroups"],
    ...["run", "--bundle=/mnt/test", "cell"],
  ]);
  expect(err).toBe("");
  expect(JSON.parse(out)).toEqual(SAID);
});

test("a network namespace of one's own has its own firewall", async () => {
  const rules =
    "table inet t { chain c { type filter hook output priority 0; policy drop; meta skuid 700 accept; }; };";
  const { status, out } = await enter(["unshare", "--net", "nft", "--echo", "--file", "-"], `${rules}\n`);
  expect(status).toBe(0);
  expect(out).toContain("add rule inet t c meta skuid 700 accept");
});

test("setpriv makes a process nobody can promote", async () => {
  const drop = ["--reuid=silo-door", "--regid=silo-door", "--clear-groups", "--no-new-privs", "--bounding-set=-all"];
  const { out } = await enter([
    "setpriv",
    ...drop,
    "grep",
    "-E",
    "^(Uid|CapEff|CapBnd|NoNewPrivs)",
    "/proc/self/status",
  ]);
  expect(out.trim().split("\n").sort()).toEqual([
    "CapBnd:\t0000000000000000",
    "CapEff:\t0000000000000000",
    "NoNewPrivs:\t1",
    "Uid:\t701\t701\t701\t701",
  ]);
});

test("enosys takes a system call away", async () => {
  expect((await enter(["enosys", "--syscall", "mkdir", "--", "mkdir", "/tmp/x"])).err).toContain(
    "Function not implemented",
  );
});

test("keyctl gives an ordinary process a session keyring it can use", async () => {
  const user = ["setpriv", "--reuid=silo-kernel", "--regid=silo-kernel", "--clear-groups", "--no-new-privs"];
  const { status, out } = await enter([
    ...user,
    "keyctl",
    "session",
    "-",
    "keyctl",
    "add",
    "user",
    "key",
    "value",
    "@s",
  ]);
  expect(status).toBe(0);
  expect(out).toMatch(/^\d+\n$/);
});

describe("the trial's services", () => {
  const BIN = "/usr/lib/postgresql/17/bin";
  const DATA = "/var/silo/postgres";
  const postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--no-new-privs", "--"];

  test("PostgreSQL keeps its data in /var/silo", async () => {
    await enter(["install", "--directory", "--owner=postgres", "--mode=700", DATA]);
    expect(await enter([...postgres, `${BIN}/initdb`, "--no-sync", "-D", DATA])).toMatchObject({ status: 0 });
    const sql = ["create table kept (n int)", "insert into kept values (42)", "select n from kept"];
    const single = [...postgres, `${BIN}/postgres`, "--single", "-D", DATA, "postgres"];
    await enter(single, `${sql[0]}\n${sql[1]}\n`);
    expect((await enter(single, `${sql[2]}\n`)).out).toContain('n = "42"');
  });

  test("PostgreSQL serves on its socket", async () => {
    const server = `${BIN}/pg_ctl`;
    const script = [
      "set -e",
      `${server} -D ${DATA} -o "-c listen_addresses=" -w start >&2`,
      "psql -tAc 'select 6 * 7'",
    ];
    const { out } = await enter([...postgres, "sh", "-c", script.join("\n")]);
    expect(out).toBe("42\n");
  });

  test("OpenSMTPD takes a message and delivers it", async () => {
    const config = [
      "listen on 127.0.0.1 port 2525",
      'action "deliver" maildir "/var/silo/mail/%{rcpt.user}" virtual { "@" = "silo-email" }',
      'match from any for any action "deliver"',
    ];
    writeFileSync(join(scratch, "smtpd.conf"), `${config.join("\n")}\n`);
    writeFileSync(join(scratch, "send.mjs"), SEND);
    await enter(["install", "--directory", "--owner=silo-email", "--mode=700", "/var/silo/mail"]);
    const { out, err } = await enter(["node", "/mnt/test/send.mjs"]);
    expect(out, err).toContain("Subject: hello");
  });
});

/** Starts smtpd, speaks SMTP to it, prints the first message that lands in bob's mailbox. */
const SEND = `
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

spawn("smtpd", ["-d", "-f", "/mnt/test/smtpd.conf"], { stdio: ["ignore", "ignore", "inherit"] });
const say = ["EHLO silo", "MAIL FROM:<a@example.org>", "RCPT TO:<bob@example.org>", "DATA", "Subject: hello\\r\\n\\r\\n.", "QUIT"];
const dial = () => new Promise((resolve, reject) => {
  const socket = connect(2525, "127.0.0.1").setEncoding("utf8").once("error", reject);
  socket.on("data", (text) => /^\\d{3} /m.test(text) && say.length > 0 && socket.write(say.shift() + "\\r\\n"));
  socket.once("close", resolve);
});
while (say.length > 0) await dial().catch(() => sleep(100));
const box = "/var/silo/mail/bob/new";
while (!existsSync(box) || readdirSync(box).length === 0) await sleep(100);
console.log(readFileSync(box + "/" + readdirSync(box)[0], "utf8"));
process.exit();
`;
