/**
 * The log's keys: the one that signs, and while it is being replaced the next. Their private halves lie in the keystore alone.
 *
 * Threat: a log signed by nobody, by a key that was quietly made anew, or by one that nobody who knew the one before has vouched for.
 * Contract: the keystore makes the first key once and never another by itself. A next key begins with an entry of the log (`log_key`, with who), under a
 * checkpoint that both sign; only then does it sign alone. A crash at any instant leaves the key before, both, or the next, as the store says.
 * Failure: throws `KeystoreError`; the kernel does not start.
 */
import { randomBytes } from "node:crypto";
import { done, type End, later } from "../abi/ends.ts";
import { type Core, note } from "../core.ts";
import { type Keystore, KeystoreError } from "../process/keystore.ts";
import type { Store } from "../store.ts";
import { logSize } from "./log.ts";
import { type LogKey, logKey, type PublicLogKey, publicLogKey, SEED_BYTES } from "./note.ts";

/** A next key, and the entry it begins with. */
export type Handover = { key: LogKey; index: number };

export type LogKeys = {
  current(): LogKey;
  /** Those that were replaced, the first first. */
  earlier(): PublicLogKey[];
  /** Begun and not yet under a checkpoint of both. */
  handover(): Handover | null;
  /** Inside a transaction: the next key signs from now on, and `told` tells outsiders so. Then `forget`. */
  take(handover: Handover, told: string): void;
  /** What outsiders were told at each hand-over, the first first. */
  told(): string[];
  /** Gives up the private half of the key that was replaced. */
  forget(): void;
  /** Begins with another key. Settles when its entry is durable; *later* while the last one is not taken. */
  rotate(core: Pick<Core, "store" | "commit" | "now">, who: string): Promise<End<LogKey>>;
};

const SECRET = "log";
/** In the store: the public halves (base64url) of the key in force and, behind it, of those before; and of a next one with its entry. */
const [SIGNERS, NEXT, TOLD] = ["audit_signers", "audit_next_key", "audit_handovers"];

/** Says in the log which key signs it, where the log does not say so yet. Inside a transaction. */
export function tellKey(core: Pick<Core, "store" | "now">, key: PublicLogKey): void {
  const before = textsOf(core.store, SIGNERS);
  if (before[0] === key.public) return;
  note(core, "log_key", { keys: [key.public] });
  core.store.meta.put(SIGNERS, [key.public, ...before]);
}

function textsOf(store: Pick<Store, "meta">, name: string): string[] {
  return (store.meta.get(name) as string[] | undefined) ?? [];
}

/** Takes the keys from the keystore, or makes the first one. */
export function openLogKeys(keystore: Keystore, store: Pick<Store, "meta">): LogKeys {
  const name = `silo/${keystore.appliance}`;
  const kept = Buffer.from(keystore.secret(SECRET, () => randomBytes(SEED_BYTES)));
  if (kept.length !== SEED_BYTES && kept.length !== 2 * SEED_BYTES)
    throw new KeystoreError("The log's key in the keystore is damaged.");
  const [first, second] = [kept.subarray(0, SEED_BYTES), kept.subarray(SEED_BYTES)];
  let current = { seed: first, key: logKey(name, first) };
  let next = second.length === 0 ? null : { seed: second, key: logKey(name, second) };
  if (next !== null && textsOf(store, SIGNERS)[0] === next.key.public) forget();
  if (next !== null && begun()?.public !== next.key.public) {
    next = null; // its entry was never written
    keystore.replace(SECRET, current.seed);
  }

  function begun(): { public: string; index: number } | undefined {
    return store.meta.get(NEXT) as { public: string; index: number } | undefined;
  }

  function forget(): void {
    if (next === null) return;
    keystore.replace(SECRET, next.seed);
    current = next;
    next = null;
  }

  function prepare(): LogKey {
    const seed = randomBytes(SEED_BYTES);
    keystore.replace(SECRET, Buffer.concat([current.seed, seed]));
    next = { seed, key: logKey(name, seed) };
    return next.key;
  }

  return {
    current: () => current.key,
    earlier: () =>
      textsOf(store, SIGNERS)
        .filter((bytes) => bytes !== current.key.public)
        .toReversed()
        .map((bytes) => publicLogKey(name, bytes)),
    handover() {
      const at = begun();
      return next === null || at === undefined ? null : { key: next.key, index: at.index };
    },
    take({ key }, told) {
      store.meta.put(SIGNERS, [key.public, ...textsOf(store, SIGNERS)]);
      store.meta.put(TOLD, [...textsOf(store, TOLD), told]);
      store.meta.remove(NEXT);
    },
    told: () => textsOf(store, TOLD),
    forget,
    async rotate(core, who) {
      if (next !== null) return later("The last new key is not under a checkpoint yet.");
      const key = prepare();
      await core.commit(() => {
        store.meta.put(NEXT, { public: key.public, index: logSize(core.store) });
        note(core, "log_key", { who, keys: [key.public] });
      });
      return done(key);
    },
  };
}
