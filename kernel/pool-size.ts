/** How many cells of each role wait: a pure function of what arrives, how long a cell takes to come up, and what there is room for. */

export type Demand = {
  role: string;
  /** Tasks and clicks a second. */
  perSecond: number;
  /** From the order to start a cell until it waits. */
  coldMs: number;
  /** What one cell that waits takes. */
  memoryMib: number;
};

/** For all cells that wait, together. */
export type Room = { cells: number; memoryMib: number };

/** Cells that cover what arrives while one comes up, with what chance adds to it (twice the standard deviation). One, where hardly anything arrives. */
export function covering({ perSecond, coldMs }: Pick<Demand, "perSecond" | "coldMs">): number {
  const meanwhile = (perSecond * coldMs) / 1000;
  return Math.max(1, Math.ceil(meanwhile + 2 * Math.sqrt(meanwhile)));
}

/**
 * By role: how many are to wait. Where there is not room for all, it is shared in proportion to what arrives (D'Hondt's method), so that more
 * room takes none away from anybody. Roles that get none are left out; the one that is worst off without its next cell comes first.
 */
export function poolSizes(demands: readonly Demand[], room: Room): Map<string, number> {
  const sizes = new Map<string, number>();
  let { cells, memoryMib } = room;
  for (const { role, memoryMib: cost } of inOrder(demands, room)) {
    cells -= 1;
    memoryMib -= cost;
    if (cells < 0 || memoryMib < 0) break;
    sizes.set(role, (sizes.get(role) ?? 0) + 1);
  }
  return sizes;
}

/** Each cell that would be good to have, best first. */
function inOrder(demands: readonly Demand[], room: Room): Demand[] {
  const places = demands.flatMap((demand) => {
    const most = Math.min(covering(demand), Math.max(0, room.cells));
    return Array.from({ length: most }, (_, place) => ({ demand, place, worth: demand.perSecond / (place + 1) }));
  });
  places.sort((a, b) => b.worth - a.worth || a.place - b.place || (a.demand.role < b.demand.role ? -1 : 1));
  return places.map(({ demand }) => demand);
}
