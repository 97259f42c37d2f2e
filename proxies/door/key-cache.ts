/**
 * The verified keys of ONE cell.
 *
 * Threat: what was verified for one cell or attempt speaks for another; a key outlives its expiry, its signing key or its cell.
 * Contract: an occupant is made with a cache of its own and dropped with it, and is bound to one epoch: nothing remembered here can be found from another
 * slot, cell or attempt. An entry is known by the SHA-256 of the whole token, each kind apart, until the token expires or other signing keys verify.
 * Failure: what is not remembered is verified; refusals are never remembered.
 */
import { hash } from "node:crypto";
import type { BaseClaims, TaskClaims } from "../../kernel/abi/claims.ts";
import type { Done, End } from "../../kernel/abi/ends.ts";
import { type PublicKeys, verifyBase, verifyTask } from "../../kernel/abi/keys.ts";

/** Of each kind: a cell has one, and may show a few that are not its own. */
export const CACHE_ENTRIES_MAX = 4;

type Times = { nbf: number; exp: number };
type Verify<C> = (token: string, keys: PublicKeys, now: number) => Promise<End<C>>;
type Entry<C> = { readonly end: Done<C>; readonly from: number; readonly until: number };

export class KeyCache {
  #keys: PublicKeys | undefined;
  readonly #base = new Map<string, Entry<BaseClaims>>();
  readonly #task = new Map<string, Entry<TaskClaims>>();

  /** As the function `verifyBase`. */
  verifyBase(token: string, keys: PublicKeys, now: number): Promise<End<BaseClaims>> {
    return this.#verify(this.#base, verifyBase, token, keys, now);
  }

  /** As the function `verifyTask`. */
  verifyTask(token: string, keys: PublicKeys, now: number): Promise<End<TaskClaims>> {
    return this.#verify(this.#task, verifyTask, token, keys, now);
  }

  async #verify<C extends Times>(
    entries: Map<string, Entry<C>>,
    verify: Verify<C>,
    token: string,
    keys: PublicKeys,
    now: number,
  ): Promise<End<C>> {
    if (keys !== this.#keys) this.#begin(keys);
    const name = hash("sha256", token);
    const known = entries.get(name);
    entries.delete(name);
    if (known !== undefined && now >= known.from && now < known.until) {
      entries.set(name, known); // the one used last goes last
      return known.end;
    }
    const end = await verify(token, keys, now);
    // Other keys may verify since it was asked.
    if (end.end === "done" && keys === this.#keys) remember(entries, name, end);
    return end;
  }

  #begin(keys: PublicKeys): void {
    this.#keys = keys;
    this.#base.clear();
    this.#task.clear();
  }
}

/** The least recently used entry makes room. */
function remember<C extends Times>(entries: Map<string, Entry<C>>, name: string, end: Done<C>): void {
  const oldest = entries.keys().next().value;
  if (oldest !== undefined && entries.size >= CACHE_ENTRIES_MAX) entries.delete(oldest);
  entries.set(name, { end, from: end.value.nbf * 1000, until: end.value.exp * 1000 });
}
