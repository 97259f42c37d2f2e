import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readKey } from "../../../console/audit/note.ts";
import { verifyGrowth, verifyLog } from "../../../console/audit/verify.ts";
import { KEY, openLogWorld } from "./log-world.ts";

const ROUNDS = 12;
const MS_MAX = 250;
const program = fileURLToPath(new URL("./publish-inside.ts", import.meta.url));

test(`killed ${ROUNDS} times at whatever instant, the folder verifies as it lies, goes on where it was, and holds what is in the store`, async () => {
  const root = mkdtempSync(join(tmpdir(), "silo-log-crash-"));
  const log = { folder: join(root, "audit"), key: readKey(KEY.verifier) };
  const path = join(log.folder, "checkpoint");
  let before: string | null = null;
  const sizes: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const child = spawn(process.execPath, [program, root], { stdio: ["ignore", "pipe", "inherit"] });
      await once(child.stdout, "data");
      await setTimeout(Math.random() * MS_MAX);
      child.kill("SIGKILL");
      await once(child, "close");
      if (!existsSync(path)) continue;
      sizes.push((await verifyLog(log, 1)).size);
      if (before !== null) verifyGrowth(log, before);
      before = readFileSync(path, "utf8");
    }
    const world = openLogWorld(root);
    await world.publisher.tend();
    expect(world.publisher.state()).toMatchObject({ published: world.store.audit.count(), fault: null });
    expect((await verifyLog(log, 1)).size).toBe(world.store.audit.count());
    await world.store.close();
    expect(sizes).toEqual(sizes.toSorted((one, other) => one - other));
    expect(sizes.at(-1)).toBeGreaterThan(256);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
