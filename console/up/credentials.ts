/**
 * What each process is given at its start, and what people and frontends are given for good.
 *
 * Threat: a secret in the wrong hands. Contract: a credential is a file 0400 of the one process it is for; of a person's secret and a
 * frontend's API key the processes get only what recognises it, the secret itself is readable by root alone.
 * Failure: throws before any process starts.
 */
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, chownSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Json } from "../../kernel/abi/json.ts";
import { makeSignIn } from "../../kernel/abi/signin.ts";
import type { Accounts } from "./accounts.ts";
import { LaunchError } from "./launch-error.ts";
import { type Service, userOf } from "./processes.ts";

export const PERMIT_KEY_BYTES = 32;
export const SECRET_BYTES = 24;

/** Outside systems, as their proxies read them. Without `smpp` nobody sends SMS. */
export type Outside = { database: Json; smtp: Json; smpp?: Json };

/** What the administrator gave the exporter for its receiver, where there is such a file. */
const SIEM = "siem.json";

/** Every credential by name of the process and name of the file. */
export type Credentials = ReadonlyMap<string, Buffer>;

const slot = (process: string, credential: string): string => `${process}/${credential}`;

/** Makes them all, but for systems outside that nobody has named. Permit keys are new at every start; secrets of people and frontends stay what they were. */
export async function makeCredentials(
  options: { state: string; people: readonly string[]; frontends: readonly string[]; outside: Partial<Outside> },
  proxies: readonly string[],
): Promise<Credentials> {
  const made = new Map<string, Buffer>();
  for (const proxy of proxies) {
    const key = randomBytes(PERMIT_KEY_BYTES);
    made.set(slot("kernel", `permit-${proxy}`), key).set(slot(proxy, "permit"), key);
  }
  const { state, people, frontends, outside } = options;
  made.set(slot("kernel", "signin"), json(await signIns(`${state}/console/people`, people)));
  made.set(slot("ingress", "frontends.json"), json(keyDigests(`${state}/console/frontends`, frontends)));
  if (outside.database !== undefined) made.set(slot("database", "database.json"), json(outside.database));
  if (outside.smtp !== undefined) made.set(slot("email", "smtp.json"), json(outside.smtp));
  if (outside.smpp !== undefined) made.set(slot("sms", "smpp.json"), json(outside.smpp));
  const siem = `${state}/console/${SIEM}`;
  if (existsSync(siem)) made.set(slot("siem", SIEM), readFileSync(siem));
  return made;
}

function json(value: Json): Buffer {
  return Buffer.from(JSON.stringify(value));
}

async function signIns(folder: string, people: readonly string[]): Promise<Json> {
  const hashes = people.map(
    async (person) => [person, await makeSignIn(kept(folder, person), randomBytes(16))] as const,
  );
  return Object.fromEntries(await Promise.all(hashes));
}

function keyDigests(folder: string, frontends: readonly string[]): Json {
  const digest = (name: string) => createHash("sha256").update(kept(folder, name)).digest("hex");
  return Object.fromEntries(frontends.map((name) => [name, digest(name)]));
}

/** The secret of that name, made when there is none yet. */
function kept(folder: string, name: string): string {
  const path = `${folder}/${name}`;
  if (!existsSync(path)) writeFileSync(path, randomBytes(SECRET_BYTES).toString("base64url"), { mode: 0o600 });
  return readFileSync(path, "utf8");
}

/** Writes what `service` is to be given. A credential that was not made is a defect. */
export function giveCredentials(service: Service, made: Credentials, run: string, accounts: Accounts): void {
  const configured = service.optional.filter((name) => made.has(slot(service.name, name)));
  for (const name of [...service.credentials, ...configured]) {
    const value = made.get(slot(service.name, name));
    if (value === undefined) throw new LaunchError(`No credential ${name} was made for ${service.name}.`);
    const path = `${run}/credentials/${service.name}/${name}`;
    writeFileSync(path, value, { flag: "wx", mode: 0o400 });
    chownSync(path, accounts.uid(userOf(service.name)), accounts.gid(userOf(service.name)));
    chmodSync(path, 0o400);
  }
}
