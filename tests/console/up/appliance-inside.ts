/** Child of appliance.test.ts: starts a whole appliance, looks at what it is made of, and prints what it found as JSON. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { startWorld } from "../../../console/trial/world.ts";
import { startAppliance } from "../../../console/up/appliance.ts";
import { services } from "../../../console/up/processes.ts";

const READY_MS = 60_000;

const world = await startWorld({ port: Number(process.argv[2]) });
const { appliance } = world;
await appliance.waitReady(READY_MS);

const processes = services.map(({ name }) => {
  const proc = `/proc/${appliance.pid(name)}`;
  return { name, status: readFileSync(`${proc}/status`, "utf8"), network: readFileSync(`${proc}/net/dev`, "utf8") };
});
const secondLauncher = await startAppliance({ outside: () => Promise.reject(new Error("it got that far")) }).then(
  () => "started",
  (error: Error) => error.message,
);
const files = filesBelow("/run/silo").map((path) => {
  const { mode, uid, gid } = statSync(path);
  return { path, socket: statSync(path).isSocket(), mode: mode & 0o777, uid, gid };
});
const revived: Record<string, boolean> = {};
for (const { name } of services) {
  const before = appliance.pid(name);
  await appliance.kill9(name);
  await appliance.waitReady(READY_MS);
  revived[name] = appliance.pid(name) !== before;
}
await world.stop({ forget: true });
const again = await startAppliance({ outside: () => Promise.reject(new Error("it got that far")) }).then(
  () => "started",
  (error: Error) => error.message,
);
const credentials = existsSync("/run/silo/credentials/kernel/signin");
const left = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) > 1);
const names = left.map((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim());
console.log(JSON.stringify({ processes, secondLauncher, files, revived, again, credentials, left: names }));

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}
