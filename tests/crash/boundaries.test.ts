import { expect, test } from "vitest";
import { common, killsAt, kindOf, shareOf } from "./boundaries.ts";

const crossings = new Map([
  ["kernel\tdoor->kernel intend refund:create received", 2],
  ["kernel\tdoor->kernel end received", 1],
  ["kernel\tcommit of intend refund:create: before", 1],
  ["kernel\tcommit of settle: before", 1],
  ["door\tPOST /v1/call received", 2],
  ["door\tdoor->kernel intend refund:create asked: begun", 1],
]);
const kills = killsAt(crossings);

test("each crossing is one kill of the process itself, and one of what the place is about", () => {
  expect(kills).toHaveLength(10);
  expect(kills.filter(({ victim }) => victim === "cell").map(({ crossing }) => crossing)).toEqual([1, 2]);
});

test("the order begins with one of every kind", () => {
  const kinds = kills.map(kindOf);
  expect(kinds.slice(0, 5)).toEqual([...new Set(kinds)]);
  expect(kinds.slice(0, 5).sort()).toEqual([
    "door cell POST received",
    "door itself POST received",
    "door itself edge asked: begun",
    "kernel itself commit of: before",
    "kernel itself edge received",
  ]);
});

test.each([1, 3, 4, 10, 11])("%i shares together are the whole", (parts) => {
  const shares = Array.from({ length: parts }, (_, index) => shareOf(kills, `${index + 1}/${parts}`));
  expect(shares.flat()).toEqual(kills);
});

test.each(["0/2", "3/2", "1", "a/b"])("%s is no share", (share) => {
  expect(() => shareOf(kills, share)).toThrow("A share is written K/N");
});

test("what came in one record and not in the other is not waited for", () => {
  expect(common([new Map([["a", 2]]), new Map([["a", 1]])])).toEqual(new Map([["a", 1]]));
  expect(common([new Map([["a", 2]]), new Map([["b", 1]])])).toEqual(new Map());
});
