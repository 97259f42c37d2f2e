/** `silo firewall` where the firewall is: as root, on the machine (or in the network namespace) it is for. */

import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ConfigError, directories } from "../kernel/process/config.ts";
import { openLog } from "../kernel/process/log.ts";
import { notifyReady } from "../kernel/process/notify.ts";
import { apply, type Refreshed, refresh, wanted, whole } from "./firewall.ts";
import { inForce } from "./intact.ts";
import { counts, FirewallError, loadedElements, tryOut } from "./nft.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, keep: { type: "boolean", default: false } },
});
const dirs = directories(process.env);
const RETRY_MS = 5_000;

/** As console/cli/exits.ts: refused, for what is wrong stays so until somebody mends it. */
const REFUSED = 3;

try {
  await work(positionals[0] ?? "");
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof FirewallError)) throw error;
  if (values.json) console.log(JSON.stringify({ exit: REFUSED, code: null, message: error.message }));
  else console.error(error.message);
  process.exitCode = REFUSED;
}

async function work(verb: string): Promise<void> {
  if (verb === "check") return check();
  if (verb === "show") return show();
  if (verb === "apply") return values.keep ? keep() : once();
  throw new FirewallError("It is check, show or apply.");
}

function check(): void {
  const elements = wanted(dirs);
  tryOut(whole(elements));
  say({ valid: true, elements }, [
    "The firewall of silo.yaml can be loaded. It would let through:",
    ...lines(elements),
  ]);
}

async function show(): Promise<void> {
  const state = await inForce();
  const elements = loadedElements() ?? {};
  const counted = counts() ?? [];
  const words = {
    absent: "No firewall of SiloOS is loaded here: nothing holds a process to its destinations.",
    changed: "THE RULES ARE NOT THOSE OF SILOOS: somebody changed them. Load them again: silo firewall apply",
    intact: "The firewall is in force. It lets through:",
  };
  const rows = counted.map(
    ({ chain, rule, packets, bytes }) => `  ${chain.padEnd(9)} ${rule.padEnd(28)} ${packets} packets, ${bytes} bytes`,
  );
  const said =
    state === "absent" ? [words.absent] : [words[state], ...lines(elements), "Counted, rule by rule:", ...rows];
  say({ state, elements, counts: counted }, said);
}

async function once(): Promise<void> {
  await apply(dirs);
  const { complaints } = refresh(dirs, Date.now());
  say({ loaded: true, complaints }, ["The firewall is in force.", ...complaints.map((one) => `  ! ${one}`)]);
}

/** Until it is killed; the rules stay. What goes wrong is said and tried again: what was loaded is in force meanwhile. */
async function keep(): Promise<never> {
  const log = openLog("firewall");
  await apply(dirs);
  await notifyReady("in force");
  for (;;) {
    const { complaints, again_ms } = refreshed();
    for (const complaint of complaints) log.error(complaint);
    await delay(again_ms);
  }
}

function refreshed(): Refreshed {
  try {
    return refresh(dirs, Date.now());
  } catch (error) {
    return { complaints: [`Not refreshed: ${(error as Error).message}`], again_ms: RETRY_MS };
  }
}

function lines(elements: ReturnType<typeof wanted>): string[] {
  const filled = Object.entries(elements).filter(([, all]) => all.length > 0);
  return filled.map(([set, all]) => `  ${set.padEnd(16)} ${all.join(", ")}`);
}

function say(json: unknown, text: readonly string[]): void {
  console.log(values.json ? JSON.stringify(json) : text.join("\n"));
}
