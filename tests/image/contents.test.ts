import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { ensureTrees, type Trees } from "../../image/buildroot.ts";
import { CHECKOUT, run } from "./run.ts";

let trees: Trees;
beforeAll(async () => {
  trees = await ensureTrees(() => {});
}, 300_000);

type Account = { name: string; uid: string; home: string };

function accounts(root: string): Account[] {
  const lines = readFileSync(join(root, "etc/passwd"), "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const [name = "", , uid = "", , , home = ""] = line.split(":");
    return { name, uid, home };
  });
}

async function find(root: string, ...expression: string[]): Promise<string[]> {
  const { out } = await run(["find", root, "-xdev", ...expression, "-printf", "%P\n"]);
  return out.split("\n").filter(Boolean).sort();
}

describe("the build root", () => {
  const declared = () =>
    readFileSync(join(CHECKOUT, "systemd/sysusers.d/silo.conf"), "utf8")
      .split("\n")
      .filter((line) => line.startsWith("u!"))
      .map((line) => line.split(/ +/).slice(1, 3));

  test("has the users of systemd/sysusers.d/silo.conf, each with a group of its name and number", () => {
    const groups = readFileSync(join(trees.buildroot, "etc/group"), "utf8").split("\n");
    expect(declared().length).toBeGreaterThan(0);
    for (const [name, id] of declared()) {
      expect(accounts(trees.buildroot)).toContainEqual({ name, uid: id, home: "/" });
      expect(groups).toContain(`${name}:x:${id}:`);
    }
  });

  test("numbers them without a gap", () => {
    expect(declared().map(([, id]) => Number(id))).toEqual(declared().map((_, index) => 700 + index));
  });

  test("gives the trial's services numbers that outlive their package list", () => {
    const wanted = { postgres: "720", opensmtpd: "721", opensmtpq: "722" };
    const found = accounts(trees.buildroot).filter(({ name }) => name in wanted);
    expect(Object.fromEntries(found.map(({ name, uid }) => [name, uid]))).toEqual(wanted);
  });

  test("has a machine id, which systemd-nspawn insists on", () => {
    expect(readFileSync(join(trees.buildroot, "etc/machine-id"), "utf8")).toMatch(/^(?!0+$)[0-9a-f]{32}\n$/);
  });

  test("holds no database, and no trace of the host that built it", () => {
    expect(readdirSync(join(trees.buildroot, "var/lib/postgresql"))).toEqual([]);
    expect(readFileSync(join(trees.buildroot, "etc/resolv.conf"), "utf8")).toBe("");
    expect(readFileSync(join(trees.buildroot, "etc/hostname"), "utf8")).toBe("silo\n");
  });

  test.each(["opt/silo", "etc/silo", "var/silo", "usr/lib/silo/cell"])("has the mount point /%s", (path) => {
    expect(readdirSync(join(trees.buildroot, path))).toEqual([]);
  });
});

describe("the cell tree", () => {
  test("can run Python and getent, and nothing else", async () => {
    expect(readdirSync(join(trees.cell, "usr/bin")).sort()).toEqual(["getent", "python3", "python3.13"]);
    expect(readdirSync(join(trees.cell, "usr/sbin"))).toEqual([]);
    const programs = await find(trees.cell, "-type", "f", "-perm", "/111", "!", "-name", "*.py", "!", "-name", "*.so*");
    expect(programs).toEqual(["usr/bin/getent", "usr/bin/python3.13"]);
  });

  test("holds no setuid file, no device, no perl and no package tools", async () => {
    expect(await find(trees.cell, "-perm", "/6000")).toEqual([]);
    expect(await find(trees.cell, "(", "-type", "b", "-o", "-type", "c", ")")).toEqual([]);
    expect(await find(trees.cell, "-name", "*perl*", "-o", "-name", "dpkg*", "-o", "-name", "apt")).toEqual([]);
  });

  test("lets nobody but root write, save in the folder a mount covers", async () => {
    const writable = await find(trees.cell, "!", "-type", "l", "(", "!", "-uid", "0", "-o", "-perm", "/022", ")");
    expect(writable).toEqual(["work"]);
  });

  test("has the user agent, at home in /work", () => {
    expect(accounts(trees.cell)).toContainEqual({ name: "agent", uid: "1000", home: "/work" });
  });

  test.each(["run/silo", "bundle", "work", "proc", "sys", "dev", "usr/lib/silo/sdk", "usr/lib/silo/cell"])(
    "has the mount point /%s",
    (path) => {
      expect(lstatSync(join(trees.cell, path)).isDirectory()).toBe(true);
      expect(readdirSync(join(trees.cell, path))).toEqual([]);
    },
  );

  test("has something in /tmp, so that runsc mounts nothing over it", () => {
    expect(readdirSync(join(trees.cell, "tmp"))).toEqual(["README"]);
  });

  test("carries the whole standard library, compiled in a way no clock can spoil", () => {
    const cache = join(trees.cell, "usr/lib/python3.13/json/__pycache__");
    const UNCHECKED_HASH = 0b01;
    for (const name of ["__init__", "decoder"]) {
      const compiled = readFileSync(join(cache, `${name}.cpython-313.pyc`));
      expect(compiled.readUInt32LE(4)).toBe(UNCHECKED_HASH);
    }
    for (const name of ["ssl.py", "sqlite3", "asyncio", "zoneinfo"])
      expect(existsSync(join(trees.cell, "usr/lib/python3.13", name))).toBe(true);
  });
});
