import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ensureTrees } from "../../image/buildroot.ts";
import { asNobody, CHECKOUT, run } from "./run.ts";

const TREE = "image/tree.sh";
const BUILD_MS_MAX = 300_000;

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "silo-tree-"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function folder(name: string): string {
  const path = join(scratch, name);
  mkdirSync(path, { recursive: true });
  return path;
}

describe("the package lists", () => {
  const lists = join(CHECKOUT, "image/packages");

  test("give one package a line, with its reason, sorted", () => {
    for (const file of readdirSync(lists)) {
      const lines = readFileSync(join(lists, file), "utf8")
        .trimEnd()
        .split("\n")
        .filter((line) => !line.startsWith("#"));
      for (const line of lines) expect(line, file).toMatch(/^[a-z0-9.+-]+ +# \S.{10,}$/);
      expect(lines, file).toEqual([...lines].sort());
    }
  });

  test("decide the name of the tree", async () => {
    const copy = folder("copy");
    for (const part of ["image", "systemd"]) cpSync(join(CHECKOUT, part), join(copy, part), { recursive: true });
    const path = async () => (await run([join(copy, TREE), "path", "cell"])).out;
    const before = await path();
    expect(before).toBe((await run([TREE, "path", "cell"])).out);
    writeFileSync(join(copy, "image/packages/cell.list"), "tzdata  # another list\n");
    expect(await path()).not.toBe(before);
  });
});

describe("a tree that is there", () => {
  test(
    "is named at once, without a word",
    async () => {
      const said: string[] = [];
      const trees = await ensureTrees((line) => said.push(line));
      const again: string[] = [];
      expect(await ensureTrees((line) => again.push(line))).toEqual(trees);
      expect(again).toEqual([]);
      expect(existsSync(join(trees.cell, "usr/bin/python3"))).toBe(true);
    },
    BUILD_MS_MAX,
  );

  test(
    "is named to a user who could not build it",
    async () => {
      await ensureTrees(() => {});
      expect(await run(asNobody(TREE, "build", "cell"))).toMatchObject({ status: 0, err: "" });
    },
    BUILD_MS_MAX,
  );
});

describe("the mirror", () => {
  const release = (origin: string) => `Origin: ${origin}\nLabel: ${origin}\nComponents: main\nArchitectures: amd64\n`;
  const hosts: Record<string, [suite: string, origin: string][]> = {
    "mirror.example.org_debian": [
      ["bookworm", "Debian"],
      ["bookworm-updates", "Debian"],
      ["bookworm-backports", "Debian Backports"],
    ],
    "security.example.org_debian-security": [["bookworm-security", "Debian"]],
    "vendor.example.com_debian": [["bookworm", "Vendor"]],
  };

  function aptOf(name: string, sources: Record<string, string>): string {
    const lists = folder(`${name}/lists/partial`).replace("/partial", "");
    for (const [host, suites] of Object.entries(hosts)) {
      for (const [suite, origin] of suites) {
        const stem = join(lists, `${host}_dists_${suite}`);
        writeFileSync(`${stem}_Release`, release(origin));
        writeFileSync(`${stem}_main_binary-amd64_Packages`, "");
      }
    }
    const parts = folder(`${name}/parts`);
    for (const [file, text] of Object.entries(sources)) writeFileSync(join(parts, file), text);
    const config = join(scratch, `${name}.conf`);
    const settings = {
      "Dir::State::lists": lists,
      "Dir::Etc::sourcelist": "/dev/null",
      "Dir::Etc::sourceparts": parts,
    };
    writeFileSync(
      config,
      Object.entries({ ...settings, "APT::Architecture": "amd64" })
        .map(([k, v]) => `${k} "${v}";\n`)
        .join(""),
    );
    return config;
  }

  const expected = [
    "deb http://mirror.example.org/debian/ trixie main",
    "deb http://mirror.example.org/debian/ trixie-updates main",
    "deb http://security.example.org/debian-security/ trixie-security main",
  ];

  test.each<[string, Record<string, string>]>([
    [
      "one-line",
      {
        "a.list": "deb http://vendor.example.com/debian bookworm main\n",
        "b.list": [
          "deb http://mirror.example.org/debian bookworm main contrib",
          "deb http://mirror.example.org/debian bookworm-updates main",
          "deb http://mirror.example.org/debian bookworm-backports main",
          "deb http://security.example.org/debian-security bookworm-security main",
        ].join("\n"),
      },
    ],
    [
      "deb822",
      {
        "a.sources": "Types: deb\nURIs: http://vendor.example.com/debian\nSuites: bookworm\nComponents: main\n",
        "b.sources": [
          "Types: deb deb-src",
          "URIs: http://mirror.example.org/debian",
          "Suites: bookworm bookworm-updates bookworm-backports",
          "Components: main",
          "",
          "Types: deb",
          "URIs: http://security.example.org/debian-security",
          "Suites: bookworm-security",
          "Components: main",
          "",
        ].join("\n"),
      },
    ],
  ])("comes from the host's Debian entries in %s sources, and from no other vendor's", async (name, files) => {
    const { out } = await run([TREE, "sources"], { env: { APT_CONFIG: aptOf(name, files) } });
    expect(out.trimEnd().split("\n")).toEqual(expected);
  });

  test("is mmdebstrap's own where the host is not Debian", async () => {
    const config = aptOf("other", { "a.list": "deb http://vendor.example.com/debian bookworm main\n" });
    expect((await run([TREE, "sources"], { env: { APT_CONFIG: config } })).out).toBe("");
  });

  test("can be named", async () => {
    const { out } = await run([TREE, "sources"], { env: { SILO_MIRROR: "http://here.example/debian" } });
    expect(out).toBe("deb http://here.example/debian trixie main\n");
  });
});

describe("a build that cannot be", () => {
  const build = (env: Record<string, string>) => run([TREE, "build", "cell"], { env });

  test("without root says to use sudo", async () => {
    const env = { SILO_CACHE: join(scratch, "none") };
    const { status, err } = await run(asNobody(TREE, "build", "cell"), { env });
    expect({ status, err }).toEqual({
      status: 1,
      err: "silo: Building the cell tree needs root: run the same command with sudo.\n",
    });
  });

  test("without room says how much is needed, and where", async () => {
    const full = folder("full");
    await run(["mount", "-t", "tmpfs", "-o", "size=8m", "full", full]);
    try {
      const { status, err } = await build({ SILO_CACHE: full });
      expect(status).toBe(1);
      expect(err).toMatch(/needs 300 MiB in \S+ and [78] MiB are free: make room, or set SILO_CACHE/);
    } finally {
      await run(["umount", full]);
    }
  });

  test("without a mirror says so and leaves no tree", async () => {
    const cache = folder("unreachable");
    const { status, err } = await build({ SILO_CACHE: cache, SILO_MIRROR: "http://127.0.0.1:9/debian" });
    expect(status).toBe(1);
    expect(err).toMatch(/No Debian mirror that carries trixie could be reached: check the network, or set SILO_MIRROR/);
    expect(readdirSync(cache).filter((name) => /^cell-[0-9a-f]+$|partial/.test(name))).toEqual([]);
  });

  test("of a tree that does not exist is refused", async () => {
    expect((await run([TREE, "build", "cells"])).err).toBe(
      "silo: Usage: tree.sh build|path appliance|buildroot|cell|workshop, or tree.sh sources.\n",
    );
  });
});

describe("a build", () => {
  const trees = (cache: string) => readdirSync(cache).filter((name) => /^cell-[0-9a-f]{16}$|partial/.test(name));

  test(
    "that is stopped leaves nothing, and two at once make one tree",
    async () => {
      const cache = folder("cache");
      const env = { SILO_CACHE: cache };
      const stopped = await run([TREE, "build", "cell"], {
        env,
        afterLine: (line, kill) => {
          if (/running apt-get update|downloading/.test(line)) kill("SIGTERM");
        },
      });
      expect(stopped.status).toBe(143);
      expect(trees(cache)).toEqual([]);

      mkdirSync(join(cache, ".partial-cell/usr"), { recursive: true });
      const both = await Promise.all([run([TREE, "build", "cell"], { env }), run([TREE, "build", "cell"], { env })]);
      const path = (await run([TREE, "path", "cell"], { env })).out;
      expect(both.map(({ status, out }) => ({ status, out }))).toEqual([
        { status: 0, out: path },
        { status: 0, out: path },
      ]);
      expect(both.filter(({ err }) => err.includes("the cell tree is ready"))).toHaveLength(1);
      expect(both.filter(({ err }) => err.includes("waiting for it"))).toHaveLength(1);
      expect(trees(cache)).toEqual([path.trimEnd().slice(cache.length + 1)]);
    },
    BUILD_MS_MAX,
  );
});
