import fc from "fast-check";
import { expect, test } from "vitest";
import { covering, type Demand, poolSizes, type Room } from "../../kernel/pool-size.ts";

const demand = fc.record({
  perSecond: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 100, noNaN: true })),
  coldMs: fc.integer({ min: 1, max: 5_000 }),
  memoryMib: fc.integer({ min: 1, max: 200 }),
});
const demands = fc
  .array(demand, { maxLength: 8 })
  .map((all) => all.map((one, place): Demand => ({ ...one, role: `role-${place}` })));
const room = fc.record({ cells: fc.integer({ min: -4, max: 100 }), memoryMib: fc.integer({ min: -500, max: 4_000 }) });
const PLENTY: Room = { cells: 1_000_000, memoryMib: 1e12 };

function taken(all: readonly Demand[], sizes: ReadonlyMap<string, number>): Room {
  const cells = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const memoryMib = all.reduce((sum, one) => sum + one.memoryMib * (sizes.get(one.role) ?? 0), 0);
  return { cells, memoryMib };
}

test("never more than there is room for, in cells and in memory", () => {
  fc.assert(
    fc.property(demands, room, (all, limit) => {
      const { cells, memoryMib } = taken(all, poolSizes(all, limit));
      expect(cells).toBeLessThanOrEqual(Math.max(0, limit.cells));
      expect(memoryMib).toBeLessThanOrEqual(Math.max(0, limit.memoryMib));
    }),
  );
});

test("with room for all, every role has what covers it, and never more", () => {
  fc.assert(
    fc.property(demands, room, (all, limit) => {
      const full = poolSizes(all, PLENTY);
      expect([...full].sort()).toEqual(all.map((one) => [one.role, covering(one)]).sort());
      for (const [role, size] of poolSizes(all, limit)) expect(size).toBeLessThanOrEqual(full.get(role) ?? 0);
    }),
  );
});

test("more room takes nothing from anybody", () => {
  fc.assert(
    fc.property(demands, room, fc.nat(50), fc.nat(2_000), (all, limit, cells, memoryMib) => {
      const more = poolSizes(all, { cells: limit.cells + cells, memoryMib: limit.memoryMib + memoryMib });
      for (const [role, size] of poolSizes(all, limit)) expect(more.get(role)).toBeGreaterThanOrEqual(size);
    }),
  );
});

test("of two roles whose cells are alike, the one with more work has no fewer", () => {
  fc.assert(
    fc.property(demands, demand, fc.double({ min: 0, max: 50, noNaN: true }), room, (others, one, extra, limit) => {
      const calm = { ...one, role: "calm" };
      const busy = { ...one, perSecond: one.perSecond + extra, role: "busy" };
      const sizes = poolSizes([...others, calm, busy], limit);
      expect(sizes.get("busy") ?? 0).toBeGreaterThanOrEqual(sizes.get("calm") ?? 0);
    }),
  );
});

test("a role that is hardly asked has one cell, a busy one what arrives while a cell comes up and twice its deviation", () => {
  expect([0, 0.01, 4, 40].map((perSecond) => covering({ perSecond, coldMs: 250 }))).toEqual([1, 1, 3, 17]);
  expect(poolSizes([{ role: "a", perSecond: 0, coldMs: 1, memoryMib: 1 }], { cells: 1, memoryMib: 1 })).toEqual(
    new Map([["a", 1]]),
  );
  expect(poolSizes([{ role: "a", perSecond: 0, coldMs: 1, memoryMib: 2 }], { cells: 1, memoryMib: 1 }).size).toBe(0);
});
