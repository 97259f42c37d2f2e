/**
 * The keys while the kernel runs: what signs and what cells hold, rotation, revocation. Nothing of it needs a restart.
 *
 * Threat: a cell goes on with a key that was taken from it; a key is signed that the door cannot verify; somebody changes keys without a trace.
 * Contract: a new signing key signs once the door has it, and what the one before signed goes on verifying until it runs out. A revoked key
 * is void when `revoke` settles: in one transaction every lease held with it expires and the log says who did it; its cells end, their tasks are ready
 * again, and nobody gets that key again. One change at a time.
 * Failure: KEY_UNKNOWN; *later* when the door does not take the new set: then the signing key stays what it was.
 */
import type { KeyKind } from "./abi/claims.ts";
import type { consoleToKernel } from "./abi/console-messages.ts";
import { done, type End, later, refused } from "./abi/ends.ts";
import type { kernelToDoor, ValueOf } from "./abi/messages.ts";
import type { Attempt } from "./attempts.ts";
import { type Core, note } from "./core.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Mint, Minted } from "./mint.ts";
import type { Client } from "./process/connect.ts";
import { expire } from "./recovery.ts";
import { PUBLISHED_MAX, type SigningKeys } from "./signers.ts";

type Listed = ValueOf<typeof consoleToKernel, "keys_list">;
type Revoked = ValueOf<typeof consoleToKernel, "keys_revoke">;

/** For the door to take a new set. */
const TELL_MS = 5_000;

export type Keys = {
  list(): Listed;
  /** Another signing key of this kind signs from now on. `who` is null when its day is over. */
  rotate(kind: KeyKind, who: string | null): Promise<End<{ kid: string }>>;
  /** `of`: a role (all its keys), the id of one key, or the kid of a signing key (all that it signed). */
  revoke(of: string, who: string): Promise<End<Revoked>>;
  /** Tells the door what verifies now. */
  share(): Promise<void>;
  /** Rotates what is due, and publishes no longer what has run out. Every minute. */
  tend(): Promise<void>;
};

export type KeysOptions = {
  core: Core;
  signing: SigningKeys;
  mint: Mint;
  dispatch: Pick<Dispatch, "held" | "expired">;
  door: Client<typeof kernelToDoor>;
};

export function openKeys({ core, signing, mint, dispatch, door }: KeysOptions): Keys {
  let last: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  }

  /** The cells whose keys are in force: they hold the lease of their task, or their run is not live and goes on. */
  function held(): Attempt[] {
    return dispatch
      .held()
      .filter(({ task, cell, comparison }) =>
        comparison === null ? core.store.leases.get(task)?.cell === cell : !comparison.over,
      );
  }

  /** False when the door is there and did not take it. One that is not there asks when it comes. */
  async function tell(): Promise<boolean> {
    const end = await door.request("keys", mint.publicKeys(), TELL_MS);
    return end.end === "done" || !door.connected;
  }

  async function rotate(kind: KeyKind, who: string | null): Promise<End<{ kid: string }>> {
    signing.drop(core.now());
    const kid = await signing.prepare(kind, core.now());
    if (kid === null) return later(`${PUBLISHED_MAX} signing keys of that kind verify already.`);
    if (!(await tell())) return later("The door did not take the new signing key.");
    await core.commit(() => note(core, "keys_rotate", { ...(who !== null && { who }), kind, keys: [kid] }));
    signing.promote(kind, core.now());
    return done({ kid });
  }

  async function revoke(of: string, who: string): Promise<End<Revoked>> {
    const signer = signing.list().find(({ kid }) => kid === of);
    if (signer !== undefined && signer.until === null) {
      const rotated = await rotate(signer.kind, who);
      if (rotated.end !== "done") return rotated;
    }
    const voided = await core.commit(() => voidKeys(of, who, signer?.kind ?? null));
    if (voided === null) return refused("KEY_UNKNOWN");
    dispatch.expired(voided.tasks);
    for (const attempt of dispatch.held()) if (attempt.comparison?.over) attempt.end({ how: "lost" });
    if (signing.drop(core.now(), of)) await tell();
    return done(voided);
  }

  /** Inside a transaction. Null when nothing has that name. */
  function voidKeys(of: string, who: string, signed: KeyKind | null): Revoked | null {
    const named = ({ jti, role, kid }: Minted) => jti === of || role === of || kid === of;
    const cells = held().filter(({ keys }) => keys.some(named));
    const keys = new Map(mint.forget(named).map((key) => [key.jti, key]));
    // The cell ends, so its task key is void with any key of it.
    for (const key of cells.flatMap(({ keys }) => keys)) if (named(key) || key.kind === "task") keys.set(key.jti, key);
    if (keys.size === 0 && signed === null && !core.store.roles.has(of)) return null;
    if (signed !== null) note(core, "keys_revoke", { who, kind: signed, keys: [of] });
    else if (keys.size === 0) note(core, "keys_revoke", { who, role: of });
    for (const { jti, role } of keys.values()) note(core, "keys_revoke", { who, role, keys: [jti] });
    for (const { comparison } of cells) if (comparison !== null) comparison.over = true;
    const tasks = cells.filter(({ comparison }) => comparison === null).map(({ task }) => task);
    for (const task of tasks) expire(core, task);
    return { keys: [...keys.keys()], tasks };
  }

  return {
    list() {
      const live = liveKeys(held());
      const signs = (kid: string) => live.filter((key) => key.kid === kid).length;
      return { signing: signing.list().map((key) => ({ ...key, live: signs(key.kid) })), live };
    },
    rotate: (kind, who) => inTurn(() => rotate(kind, who)),
    revoke: (of, who) => inTurn(() => revoke(of, who)),
    share: () => inTurn(async () => void (await tell())),
    tend: () =>
      inTurn(async () => {
        for (const kind of signing.due(core.now())) await rotate(kind, null);
        if (signing.drop(core.now())) await tell();
      }),
  };
}

/** Each key once, with the tasks whose cells hold it. */
function liveKeys(held: Attempt[]): Listed["live"] {
  const live = new Map<string, Listed["live"][number]>();
  for (const { task, keys } of held)
    for (const { jti, kind, kid, role, sub, made, expires } of keys) {
      const line = live.get(jti) ?? { key: jti, kind, kid, role, sub, made, until: expires, tasks: [] };
      live.set(jti, { ...line, tasks: [...line.tasks, task] });
    }
  return [...live.values()];
}
