/**
 * The cells that wait for work: up, probed, with no key inside and nothing of an agent's run yet.
 *
 * Threat: a cell that serves twice; one that was made for a bundle, an isolation or a bound that is no longer what was approved; one that has been
 * lying about for long enough to be worked on; warm cells that keep the machine from its work.
 * Contract: who takes a cell takes it for good. A cell that no longer fits its role, is older than its bound, or did anything but wait is
 * destroyed, never taken. What waits is never more than the settings, free slots and free memory allow, gives its slot to work that needs one, and
 * comes up one at a time, and only while nothing else does.
 * Failure: with nothing that fits a cell is started cold, and counted. A role whose cells do not come up is rested.
 */
import { openArrivals } from "./arrivals.ts";
import { type Cell, serves } from "./cell.ts";
import type { Cells } from "./cells.ts";
import type { Core } from "./core.ts";
import { type Demand, poolSizes, type Room } from "./pool-size.ts";
import type { ActiveRole } from "./roles.ts";

/**
 * What a cell that waits takes: the proportional set size of all its processes while no other waits (`npm run bench -- cell.memory.gvisor`).
 * gVisor's is its sentry and gofer; others beside it share their programs and take less.
 */
const WAITING_MIB: Record<ActiveRole["isolation"], number> = { nspawn: 20, gvisor: 61 };
/** Until a cell of a role has been seen to come up. */
const COLD_MS_GUESSED = 250;
/** A role of people gets warm cells while somebody clicks at least so often (a second). */
const CLICKS_WARM = 1 / 120;
const REST_MS = 1_000;
const REST_MS_MAX = 30_000;

export type Pool = {
  /** A cell for this role, taken for good: one that waits, else one that comes up, else a new one. Undefined where there is no slot for it. */
  take(role: ActiveRole): Cell | undefined;
  /** Work waits for a slot: the oldest cell here gives up its own, unless one is about to be free. False where there is none. */
  makeRoom(): boolean;
  /** Destroys what does not belong here any more, and starts what is missing, one at a time. */
  tend(): void;
  /** Destroys all of them. */
  drain(): Promise<void>;
  counts(): Counts;
};

/** `taken`: cells that waited when their work came. `cold`: those that did not. */
export type Counts = { taken: number; cold: number; waiting: { role: string; cells: number }[] };

export type PoolOptions = {
  core: Core;
  cells: Cells;
  /** What the machine has left (MiB). */
  freeMemoryMib: () => number;
  /** A slot is free again. */
  freed: () => void;
};

export function openPool({ core, cells, freeMemoryMib, freed }: PoolOptions): Pool {
  /** Oldest first. */
  const pooled = new Set<Cell>();
  const leaving = new Set<Promise<void>>();
  const arrivals = openArrivals();
  const coldMs = new Map<string, number>();
  const rests = new Map<string, { until: number; ms: number }>();
  const counted = { taken: 0, cold: 0 };

  const cellsOf = (role: string) => [...pooled].filter(({ made }) => made.role === role);

  function isSound(cell: Cell, role: ActiveRole | null): boolean {
    if (cell.isOver || role === null || !serves(cell.made, role)) return false;
    return core.now() - cell.began <= core.settings.pool.age_ms_max;
  }

  function find(role: ActiveRole): Cell | undefined {
    const sound = cellsOf(role.role).filter((cell) => isSound(cell, role));
    return sound.find(({ came }) => came !== null) ?? sound[0];
  }

  function discard(cell: Cell): void {
    if (!pooled.delete(cell)) return;
    cell.end({ how: "lost" });
    const gone = cells.destroy(cell).finally(() => {
      leaving.delete(gone);
      freed();
    });
    leaving.add(gone);
  }

  /** Follows a cell from its start: how long it took, and its end, unless it was taken. */
  async function follow(cell: Cell): Promise<void> {
    const { role } = cell.made;
    if (await cells.isWaiting(cell)) {
      const took = core.now() - cell.began;
      coldMs.set(role, ((coldMs.get(role) ?? took) + took) / 2);
      rests.delete(role);
      freed();
    } else if (pooled.has(cell)) {
      const ms = Math.min(REST_MS_MAX, (rests.get(role)?.ms ?? REST_MS / 2) * 2);
      rests.set(role, { until: core.now() + ms, ms });
      discard(cell);
    }
    await cell.over;
    discard(cell);
  }

  function start(role: ActiveRole): Cell | undefined {
    const cell = cells.start(role);
    if (cell !== undefined) void follow(cell);
    return cell;
  }

  /** One at a time, and after work that waits for its own. */
  function mayStart(role: string): boolean {
    const comesUp = cells.all().some(({ came, isOver }) => came === null && !isOver);
    return !comesUp && core.now() >= (rests.get(role)?.until ?? 0);
  }

  function startFor(role: ActiveRole): void {
    const cell = start(role);
    if (cell !== undefined) pooled.add(cell);
  }

  function activeRoles(): ActiveRole[] {
    const roles = core.store.roles.all().map(({ value }) => core.roles.active(value.role));
    return roles.filter((role) => role !== null);
  }

  /** Agents that are online, and people who click now. */
  function isWanted({ role, human, online }: ActiveRole): boolean {
    return human ? arrivals.rate(role, core.now()) >= CLICKS_WARM : online;
  }

  const memoryOf = (all: Iterable<Cell>) => [...all].reduce((sum, { made }) => sum + WAITING_MIB[made.isolation], 0);

  function room(): Room {
    const { cells_max, free_memory_mib_min } = core.settings.pool;
    const busy = cells.all().length - pooled.size - leaving.size;
    return {
      cells: Math.min(cells_max, core.settings.slots - busy),
      memoryMib: memoryOf(pooled) + freeMemoryMib() - free_memory_mib_min,
    };
  }

  function demandOf({ role, isolation }: ActiveRole): Demand {
    const perSecond = arrivals.rate(role, core.now());
    return { role, perSecond, coldMs: coldMs.get(role) ?? COLD_MS_GUESSED, memoryMib: WAITING_MIB[isolation] };
  }

  /** More of a role than it is to have, oldest first. */
  function surplus(wanted: ReadonlyMap<string, number>): Cell[] {
    return [...pooled].filter(({ made }, place, all) => {
      const younger = all.slice(place + 1).filter((other) => other.made.role === made.role).length;
      return younger >= (wanted.get(made.role) ?? 0);
    });
  }

  return {
    take(role) {
      const cell = find(role) ?? start(role);
      if (cell === undefined) return undefined;
      pooled.delete(cell);
      arrivals.note(role.role, core.now());
      counted[cell.came === null ? "cold" : "taken"]++;
      return cell;
    },
    makeRoom() {
      const [oldest] = pooled;
      if (oldest !== undefined && leaving.size === 0) discard(oldest);
      return leaving.size > 0;
    },
    tend() {
      const roles = activeRoles().filter(isWanted);
      const roleOf = (name: string | undefined) => roles.find(({ role }) => role === name) ?? null;
      for (const cell of pooled) if (!isSound(cell, roleOf(cell.made.role))) discard(cell);
      const all = room();
      const wanted = poolSizes(roles.map(demandOf), all);
      const lacking = roleOf([...wanted].find(([role, size]) => cellsOf(role).length < size)?.[0]);
      const more = lacking === null ? 0 : 1;
      const memoryMib = memoryOf(pooled) + (lacking === null ? 0 : WAITING_MIB[lacking.isolation]);
      // What is more than wanted goes by its age, or when its place is needed.
      const [over] = pooled.size + more > all.cells || memoryMib > all.memoryMib ? surplus(wanted) : [];
      if (over !== undefined) discard(over);
      else if (lacking !== null && mayStart(lacking.role)) startFor(lacking);
    },
    async drain() {
      for (const cell of pooled) discard(cell);
      await Promise.all(leaving);
    },
    counts() {
      const ready = [...pooled].filter(({ came }) => came !== null);
      const roles = [...new Set(ready.map(({ made }) => made.role))].sort();
      const waiting = roles.map((role) => ({ role, cells: ready.filter(({ made }) => made.role === role).length }));
      return { ...counted, waiting };
    },
  };
}
