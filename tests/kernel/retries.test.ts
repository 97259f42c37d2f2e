import { setTimeout } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { openRetries } from "../../kernel/retries.ts";

const options = { lineOf: () => "", inFlightMax: 2, restMs: 5, restMsMax: 20 };

test("a piece is tried until it succeeds, and then no more", async () => {
  let tries = 0;
  const retries = openRetries({ ...options, attempt: async () => ++tries === 4 });
  retries.add("a");
  await vi.waitFor(() => expect(tries).toBe(4));
  await setTimeout(50);
  expect(tries).toBe(4);
  retries.stop();
});

test("no more pieces than allowed are tried at once, and every one has its turn", async () => {
  let running = 0;
  let most = 0;
  const done: string[] = [];
  const retries = openRetries({
    ...options,
    attempt: async (key) => {
      most = Math.max(most, ++running);
      await setTimeout(2);
      running--;
      done.push(key);
      return true;
    },
  });
  for (const key of ["a", "b", "c", "d", "e"]) retries.add(key);
  await vi.waitFor(() => expect(done).toHaveLength(5));
  expect([most, done.sort()]).toEqual([2, ["a", "b", "c", "d", "e"]]);
  retries.stop();
});

test("a line whose pieces never end holds up no other line", async () => {
  const never = new Promise<boolean>(() => {});
  const tried: string[] = [];
  const retries = openRetries({
    ...options,
    lineOf: (key) => key.charAt(0),
    attempt: (key) => {
      tried.push(key);
      return key.startsWith("a") ? never : Promise.resolve(true);
    },
  });
  for (const key of ["a1", "a2", "a3", "b1", "b2", "b3"]) retries.add(key);
  await vi.waitFor(() => expect(tried).toEqual(["a1", "a2", "b1", "b2", "b3"]));
  await setTimeout(20);
  expect(tried).not.toContain("a3");
  retries.stop();
});

test("a piece that is added while it is tried is tried once more", async () => {
  const gate = Promise.withResolvers<void>();
  let tries = 0;
  const retries = openRetries({
    ...options,
    attempt: async () => {
      tries++;
      await gate.promise;
      return true;
    },
  });
  retries.add("a");
  retries.add("a");
  gate.resolve();
  await vi.waitFor(() => expect(tries).toBe(2));
  await setTimeout(20);
  expect(tries).toBe(2);
  retries.stop();
});

test("adding hurries a piece that rests", async () => {
  let tries = 0;
  const retries = openRetries({ ...options, restMs: 60_000, restMsMax: 60_000, attempt: async () => ++tries === 2 });
  retries.add("a");
  await setTimeout(5);
  retries.add("a");
  await vi.waitFor(() => expect(tries).toBe(2));
  retries.stop();
});

test("after a stop nothing is tried any more", async () => {
  let tries = 0;
  const retries = openRetries({ ...options, attempt: async () => ++tries > 100 });
  retries.add("a");
  await vi.waitFor(() => expect(tries).toBeGreaterThan(0));
  retries.stop();
  const before = tries;
  await setTimeout(40);
  expect(tries).toBe(before);
});
