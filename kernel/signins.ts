/**
 * Recognises the people of people.yaml by their secrets.
 *
 * Threat: whoever reaches the console's socket guesses secrets, finds out who works here, or keeps the kernel busy with guesses.
 * Contract: one check at a time, each as long for a stranger's name as for a person's; a failed one is answered FAILURE_MS later.
 * Failure: without a secret in the credential a person cannot sign in; more than WAITING_MAX at once end *later*.
 */
import { setTimeout } from "node:timers/promises";
import { type Static, Type } from "typebox";
import { done, type End, later, refused } from "./abi/ends.ts";
import { Name } from "./abi/ids.ts";
import { matchesSignIn } from "./abi/signin.ts";
import type { People, Person } from "./people.ts";
import { ConfigError } from "./process/config.ts";
import { compile } from "./process/schema.ts";

export const FAILURE_MS = 1000;
export const WAITING_MAX = 32;

const Stored = Type.Record(Name, Type.String({ maxLength: 256 }), { additionalProperties: false });

/** The credential `signin`: JSON, person -> what makeSignIn() gave. Throws `ConfigError`. */
export function parseSignIns(credential: Buffer): Static<typeof Stored> {
  const checked = compile(Stored)(parse(credential));
  if (!checked.ok) throw new ConfigError(`The credential signin is damaged: ${checked.why}.`);
  return checked.value;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return null;
  }
}

export type SignIn = (person: string, secret: string) => Promise<End<Person>>;

/** SIGN_IN_FAILED says neither whether the person exists nor what was wrong. */
export function openSignIns(people: People, stored: Static<typeof Stored>): SignIn {
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work);
    last = result;
    return result;
  }

  return async (name, secret) => {
    if (waiting === WAITING_MAX) return later("Too many people sign in at once.");
    waiting++;
    const person = people.people.get(name);
    const kept = person !== undefined && Object.hasOwn(stored, name) ? stored[name] : undefined;
    const matches = await inTurn(() => matchesSignIn(secret, kept ?? ""));
    if (!matches || person === undefined) await setTimeout(FAILURE_MS);
    waiting--;
    return matches && person !== undefined ? done(person) : refused("SIGN_IN_FAILED");
  };
}
