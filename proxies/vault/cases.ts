/**
 * The cases the vault has open: key and token table, in memory only while something needs them.
 *
 * Contract: one case is open once, so that its calls share one table. Whoever works on a case holds it; what nobody holds is kept for
 * a while, least recently used out first, and then wiped. What the kernel kept is taken in at every opening, each seal once.
 * Failure: a case without a key is gone (undefined). Sealed entries that do not open or contradict each other: `TableConflict`; the
 * caller refuses, and a human sees the task.
 */
import { done, type End, refused } from "../../kernel/abi/ends.ts";
import type { CaseKeys } from "./case-keys.ts";
import { openSeal, type RandomBytes, seal } from "./case-seal.ts";
import { type Delta, type Draft, Table, TableConflict } from "./table.ts";

/** Cases kept in memory that nobody holds. */
const IDLE_CASES_MAX = 256;

/** A delta as the kernel keeps it. */
export type SealedDelta = { delta: Delta; sealed: string };

export class OpenCase {
  readonly id: string;
  readonly table = new Table();
  holders = 0;
  readonly #key: Buffer;
  readonly #random: RandomBytes;
  readonly #seen = new Set<string>();
  #sealedBytes = 0;

  constructor(id: string, key: Buffer, random: RandomBytes) {
    this.id = id;
    this.#key = key;
    this.#random = random;
  }

  /** Length of everything the kernel keeps of this case's table. */
  get sealedBytes(): number {
    return this.#sealedBytes;
  }

  /** Takes in what the kernel kept. Throws `TableConflict`. */
  load(sealed: readonly string[]): void {
    for (const one of sealed) {
      if (this.#seen.has(mark(one))) continue;
      const text = openSeal(this.#key, { case: this.id, purpose: "table" }, one);
      if (text === undefined) throw new TableConflict();
      this.table.merge(JSON.parse(text) as Delta);
      this.#note(one);
    }
  }

  /** What the kernel must keep of `draft`, sealed; null when it has it all. */
  sealDelta(draft: Draft): SealedDelta | null {
    const delta = this.table.delta(draft);
    if (delta === null) return null;
    return { delta, sealed: seal(this.#key, { case: this.id, purpose: "table" }, JSON.stringify(delta), this.#random) };
  }

  /** The kernel has it. */
  accepted(kept: SealedDelta | null): void {
    if (kept === null) return;
    this.table.accept(kept.delta);
    if (!this.#seen.has(mark(kept.sealed))) this.#note(kept.sealed);
  }

  /** A value that is stored outside as noise under this case's key. */
  sealValue(text: string): string {
    return seal(this.#key, { case: this.id, purpose: "value" }, text, this.#random);
  }

  openValue(sealed: string): string | undefined {
    return openSeal(this.#key, { case: this.id, purpose: "value" }, sealed);
  }

  sealOutcome(assignment: string, step: number, text: string): string {
    return seal(this.#key, { case: this.id, purpose: `outcome/${assignment}/${step}` }, text, this.#random);
  }

  openOutcome(assignment: string, step: number, sealed: string): string | undefined {
    return openSeal(this.#key, { case: this.id, purpose: `outcome/${assignment}/${step}` }, sealed);
  }

  /** Nobody holds it: the key leaves the memory. */
  wipe(): void {
    this.#key.fill(0);
  }

  #note(sealed: string): void {
    this.#seen.add(mark(sealed));
    this.#sealedBytes += sealed.length;
  }
}

/** Version, nonce and tag of a seal: no two seals share them. */
function mark(sealed: string): string {
  return sealed.slice(0, 38);
}

export type Cases = {
  /** Opens a case, or joins those who have it open. Undefined: it has no key. */
  hold(id: string): OpenCase | undefined;
  release(open: OpenCase): void;
  /** A new case with a durable key, held. */
  create(id: string): Promise<OpenCase>;
  /** Forgets the case for ever; settles when its key is overwritten. */
  destroy(id: string): Promise<void>;
  /** Cases in memory. */
  readonly size: number;
};

export function openCases(keys: CaseKeys, random: RandomBytes, idleMax = IDLE_CASES_MAX): Cases {
  const held = new Map<string, OpenCase>();
  const idle = new Map<string, OpenCase>();

  return {
    hold(id) {
      const open = held.get(id) ?? idle.get(id) ?? restore(id);
      return open === undefined ? undefined : take(open);
    },
    release(open) {
      open.holders--;
      if (open.holders > 0) return;
      if (held.get(open.id) !== open) return open.wipe();
      held.delete(open.id);
      idle.set(open.id, open);
      evict();
    },
    async create(id) {
      return take(new OpenCase(id, await keys.create(id), random));
    },
    async destroy(id) {
      idle.get(id)?.wipe();
      held.delete(id); // whoever still holds it wipes it
      idle.delete(id);
      await keys.destroy(id);
    },
    get size() {
      return held.size + idle.size;
    },
  };

  function restore(id: string): OpenCase | undefined {
    const key = keys.get(id);
    return key === undefined ? undefined : new OpenCase(id, key, random);
  }

  function take(open: OpenCase): OpenCase {
    idle.delete(open.id);
    held.set(open.id, open);
    open.holders++;
    return open;
  }

  function evict(): void {
    for (const [id, open] of idle) {
      if (idle.size <= idleMax) return;
      idle.delete(id);
      open.wipe();
    }
  }
}

/** Holds a case and takes in what the kernel kept of it. Refused where the case is gone or contradicts itself; nothing is held then. */
export function openHeld(cases: Cases, id: string, sealed: readonly string[]): End<OpenCase> {
  const open = cases.hold(id);
  if (open === undefined) return refused("CASE_UNKNOWN");
  const end = loadInto(open, sealed);
  if (end.end !== "done") cases.release(open);
  return end;
}

/** Takes in what the kernel kept of a case that is held. */
export function loadInto(open: OpenCase, sealed: readonly string[]): End<OpenCase> {
  try {
    open.load(sealed);
    return done(open);
  } catch (error) {
    if (!(error instanceof TableConflict)) throw error;
    return refused("CONFLICT", "What was sealed for this case does not fit together; nothing is done with it.");
  }
}
