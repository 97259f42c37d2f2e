import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { storeFaults } from "../../kernel/faults.ts";
import { openStore } from "../../kernel/store.ts";

const ROUNDS = 5;

/** Lets a process work on the store and kills it in the middle; returns what it said was durable. */
async function workAndKill(folder: string, round: number): Promise<string[]> {
  const child = spawn(process.execPath, ["tests/kernel/crash-inside.ts", folder, `round-${round}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  const first = new Promise<void>((resolve) =>
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk;
      resolve();
    }),
  );
  const closed = new Promise((resolve) => child.once("close", resolve));
  await first;
  await setTimeout(50 + Math.random() * 150);
  child.kill("SIGKILL");
  await closed;
  return said.split("\n").slice(0, -1);
}

test("kill -9 in the middle of commits loses nothing that was acknowledged and breaks no invariant", async () => {
  const folder = mkdtempSync(join(tmpdir(), "silo-crash-"));
  const acknowledged: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    acknowledged.push(...(await workAndKill(folder, round)));
    const store = openStore(folder);
    expect(storeFaults(store)).toEqual([]);
    for (const line of acknowledged) {
      const [idempotency = "", task = ""] = line.split(" ");
      expect(store.idempotency.get(["shop", idempotency])?.task).toBe(task);
      expect(store.ended.get(task)?.event).toBe("Completed");
      expect(store.caseTables.under([store.tasks.get(task)?.case ?? ""])).toHaveLength(2);
    }
    await store.close();
  }
  expect(acknowledged.length).toBeGreaterThan(ROUNDS);
  rmSync(folder, { recursive: true, force: true });
}, 60_000);
