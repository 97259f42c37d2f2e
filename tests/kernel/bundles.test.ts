import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { End } from "../../kernel/abi/ends.ts";
import { keepBundle } from "../../kernel/bundles.ts";
import {
  DEPTH_MAX,
  ENTRIES_MAX,
  FILE_BYTES_MAX,
  FILES_MAX,
  FOLDER_BYTES_MAX,
  type Folder,
  readFolder,
} from "../../kernel/folder.ts";

let root: string;
let agent: string;
let bundles: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "bundles-"));
  agent = join(root, "agent");
  bundles = join(root, "bundles");
  mkdirSync(agent);
  mkdirSync(bundles);
  write("main.py", "def run(task): ...\n");
  write("policy.yaml", "role: hello\n");
});
afterEach(() => {
  execFileSync("chmod", ["-R", "u+w", root]);
  rmSync(root, { recursive: true, force: true });
});

function write(path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(agent, path)), { recursive: true });
  writeFileSync(join(agent, path), content);
}

function value<T>(end: End<T>): T {
  if (end.end !== "done") throw new Error(JSON.stringify(end));
  return end.value;
}

const read = () => value(readFolder(agent));
const refusal = () => {
  const end = readFolder(agent);
  expect(end).toMatchObject({ end: "refused", code: "BUNDLE_INVALID" });
  return end.end === "refused" ? end.message : "";
};

describe("the digest of a folder", () => {
  test("is the same for the same content, wherever and whenever it lies", () => {
    write("templates/a.txt", "a");
    const copy = join(root, "copy");
    cpSync(agent, copy, { recursive: true });
    chmodSync(join(copy, "main.py"), 0o777);
    expect(value(readFolder(copy)).digest).toBe(read().digest);
  });

  test("changes with every byte, every name and every place", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,3}(\/[a-z]{1,3})?$/), fc.uint8Array({ maxLength: 4 })), {
          minLength: 2,
          maxLength: 2,
          comparator: ([pathA, a], [pathB, b]) => pathA === pathB && Buffer.compare(a, b) === 0,
        }),
        (contents) => {
          const digests = contents.map(([path, bytes]) => {
            const top = path.split("/")[0] ?? "";
            write(path, Buffer.from(bytes));
            const { digest } = read();
            rmSync(join(agent, top), { recursive: true });
            return digest;
          });
          expect(digests[0]).not.toBe(digests[1]);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("does not mistake a boundary: two files are not one with both names", () => {
    write("ab", "c");
    const first = read().digest;
    rmSync(join(agent, "ab"));
    write("a", "bc");
    expect(read().digest).not.toBe(first);
  });

  test("leaves compiled leftovers out, and nothing else", () => {
    const before = read();
    write("__pycache__/main.cpython-313.pyc", "stale");
    expect(read()).toEqual(before);
    write("__pycache__.py", "x");
    expect(read().digest).not.toBe(before.digest);
  });
});

describe("a folder is refused", () => {
  for (const name of ["main.py", "policy.yaml"]) {
    test(`without ${name}`, () => {
      rmSync(join(agent, name));
      expect(refusal()).toBe(`${name} is missing.`);
      mkdirSync(join(agent, name));
      write(`${name}/x`, "");
      expect(refusal()).toBe(`${name} is missing.`);
    });
  }

  test("when it is not there, or no folder, or a link to one", () => {
    expect(readFolder(join(root, "nobody"))).toMatchObject({ code: "BUNDLE_INVALID" });
    expect(readFolder(join(agent, "main.py"))).toMatchObject({ message: "It is not a folder." });
    symlinkSync(agent, join(root, "link"));
    expect(readFolder(join(root, "link"))).toMatchObject({ message: "It is not a folder." });
  });

  test("with a symbolic link to a file of the host", () => {
    symlinkSync("/etc/shadow", join(agent, "tools.py"));
    expect(refusal()).toBe("tools.py is a link or a special file.");
  });

  test("with a symbolic link to a directory", () => {
    symlinkSync("/etc", join(agent, "templates"));
    expect(refusal()).toBe("templates is a link or a special file.");
  });

  test("with a hard link to a file elsewhere", () => {
    writeFileSync(join(root, "secret"), "s");
    linkSync(join(root, "secret"), join(agent, "tools.py"));
    expect(refusal()).toMatch(/tools\.py is a hard link/);
  });

  test("with a fifo, and without waiting for its other end", () => {
    execFileSync("mkfifo", [join(agent, "tools.py")]);
    expect(refusal()).toBe("tools.py is a link or a special file.");
  });

  test("with a socket", async () => {
    const server = createServer().listen(join(agent, "tools.py"));
    await new Promise((resolve) => server.once("listening", resolve));
    expect(refusal()).toBe("tools.py is a link or a special file.");
    server.close();
  });

  test("with a device", () => {
    execFileSync("mknod", [join(agent, "zero"), "c", "1", "5"]);
    expect(refusal()).toBe("zero is a link or a special file.");
  });

  test("with a file of 10 MB, or one byte over its bound", () => {
    write("big", Buffer.alloc(10_000_000));
    expect(refusal()).toBe(`big is larger than ${FILE_BYTES_MAX} bytes.`);
    write("big", Buffer.alloc(FILE_BYTES_MAX + 1));
    expect(refusal()).toMatch(/big is larger/);
    write("big", Buffer.alloc(FILE_BYTES_MAX));
    expect(read().files).toHaveLength(3);
  });

  test("with a sparse file of a terabyte, at once", () => {
    execFileSync("truncate", ["-s", "1T", join(agent, "big")]);
    expect(refusal()).toMatch(/big is larger/);
  });

  test("with files that are too large together", () => {
    rmSync(join(agent, "main.py"));
    rmSync(join(agent, "policy.yaml"));
    write("main.py", "");
    write("policy.yaml", "");
    for (let n = 0; n < FOLDER_BYTES_MAX / FILE_BYTES_MAX; n++) write(`part${n}`, Buffer.alloc(FILE_BYTES_MAX));
    expect(read().files).toHaveLength(6);
    write("one", "x");
    expect(refusal()).toMatch(/together/);
  });

  test("with 1000 files, or one over its bound", () => {
    for (let n = 0; n < 1000; n++) write(`d${n % 10}/f${n}`, "");
    expect(refusal()).toBe(`There are more than ${FILES_MAX} files.`);
    for (let n = 0; n < 10; n++) rmSync(join(agent, `d${n}`), { recursive: true });
    for (let n = 0; n < FILES_MAX - 2; n++) write(`d${n % 10}/f${n}`, "");
    expect(read().files).toHaveLength(FILES_MAX);
    write("d0/one", "");
    expect(refusal()).toBe(`There are more than ${FILES_MAX} files.`);
  });

  test("with an endless directory of nothing", () => {
    for (let n = 0; n < ENTRIES_MAX - 1; n++) mkdirSync(join(agent, `d${n}`));
    expect(refusal()).toMatch(/more than 256 entries/);
    rmSync(join(agent, "d0"), { recursive: true });
    expect(read().files).toHaveLength(2);
  });

  test("with folders one deeper than allowed", () => {
    const deep = Array.from({ length: DEPTH_MAX }, (_, n) => `d${n}`).join("/");
    write(`${deep}/file`, "");
    expect(read().files).toHaveLength(3);
    write(`${deep}/more/file`, "");
    expect(refusal()).toMatch(/lies deeper/);
  });

  const names = [
    ".hidden",
    "-rf",
    "a b",
    "a\nb",
    "a\\b",
    "ä",
    "a:b",
    "$(id)",
    "x".repeat(65),
    "\u202egnp.exe",
    "a'b",
    "~",
    "...",
  ];
  for (const name of names) {
    test(`with the name ${JSON.stringify(name)}`, () => {
      write(name, "");
      expect(refusal()).toMatch(/is not allowed/);
    });
  }
});

describe("a bundle", () => {
  const kept = (folder: Folder) => join(bundles, folder.digest);

  test("is the folder under its digest, and nobody may write to it", () => {
    write("templates/mail/refund.txt", "Dear [NAME_1]");
    const folder = read();
    expect(keepBundle(folder, bundles)).toEqual({ end: "done", value: null });
    expect(value(readFolder(kept(folder))).digest).toBe(folder.digest);
    for (const path of ["", "templates", "templates/mail"]) expect(mode(join(kept(folder), path))).toBe(0o555);
    for (const path of ["main.py", "templates/mail/refund.txt"]) expect(mode(join(kept(folder), path))).toBe(0o444);
    expect(readdirSync(bundles)).toEqual([folder.digest]);
  });

  test("holds what was read, whatever happens to the folder meanwhile", () => {
    const folder = read();
    write("main.py", "import os\n");
    keepBundle(folder, bundles);
    expect(readFileSync(join(kept(folder), "main.py"), "utf8")).toBe("def run(task): ...\n");
  });

  test("is kept once; approving it again changes nothing", () => {
    const folder = read();
    keepBundle(folder, bundles);
    const before = statSync(join(kept(folder), "main.py"));
    expect(keepBundle(folder, bundles)).toMatchObject({ end: "done" });
    expect(statSync(join(kept(folder), "main.py")).ino).toBe(before.ino);
  });

  test("that was changed on the disk is not taken for itself", () => {
    const folder = read();
    keepBundle(folder, bundles);
    chmodSync(join(kept(folder), "main.py"), 0o644);
    writeFileSync(join(kept(folder), "main.py"), "evil");
    expect(keepBundle(folder, bundles)).toMatchObject({ end: "refused", code: "BUNDLE_INVALID" });
  });

  test("is kept after a crash left half of it", () => {
    write("templates/a.txt", "a");
    const folder = read();
    keepBundle(folder, bundles);
    renameSync(kept(folder), join(bundles, ".draft"));
    expect(keepBundle(folder, bundles)).toMatchObject({ end: "done" });
    expect(readdirSync(bundles)).toEqual([folder.digest]);
  });

  test("that the disk does not take is later, and nothing stands under its digest", () => {
    const folder = read();
    rmSync(bundles, { recursive: true });
    writeFileSync(bundles, "");
    expect(keepBundle(folder, bundles)).toMatchObject({ end: "later" });
  });

  function mode(path: string): number {
    return statSync(path).mode & 0o777;
  }
});

test("a link swapped in while the folder is read leads nowhere", async () => {
  mkdirSync(join(root, "mine"));
  writeFileSync(join(root, "mine/a.txt"), "mine");
  mkdirSync(join(root, "secret"));
  writeFileSync(join(root, "secret/a.txt"), "secret");
  symlinkSync(join(root, "secret"), join(root, "link"));
  const script = `
    const { renameSync } = require("node:fs");
    const [, at, mine, link] = process.argv;
    for (;;) { renameSync(mine, at); renameSync(at, mine); renameSync(link, at); renameSync(at, link); }`;
  const places = [join(agent, "templates"), join(root, "mine"), join(root, "link")];
  const swapper = spawn(process.execPath, ["-e", script, ...places], { stdio: "ignore" });
  const contents = new Set<string>();
  for (const start = Date.now(); Date.now() - start < 1500; ) {
    const end = readFolder(agent);
    const file = end.end === "done" ? end.value.files.find(({ path }) => path === "templates/a.txt") : undefined;
    if (file !== undefined) contents.add(file.bytes.toString());
  }
  const gone = new Promise((resolve) => swapper.once("exit", resolve));
  swapper.kill("SIGKILL");
  await gone;
  expect([...contents]).toEqual(["mine"]);
});
