/** What an earlier jailer left is gone before a new one starts a cell: in nspawn it would live on, for nothing of the host ends with the jailer. */
import { expect, test } from "vitest";
import { freePort, nodeApart } from "../console/apart.ts";

test.each([
  ["gvisor", /^\d+$/],
  ["nspawn", /^[1-9]/],
])(
  "cells of isolation %s whose jailer is killed: none lives when it serves again, and tasks go on",
  async (...row) => {
    const [isolation, outlived] = row;
    const ran = await nodeApart(
      ...["tests/crash/jailer-inside.ts", "--isolation", isolation, "--port", String(freePort())],
    );
    expect(ran.exit, ran.err).toBe(0);
    const found = JSON.parse(ran.out.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>;
    expect(found).toMatchObject({ left: 0 });
    expect(String(found["outlived"])).toMatch(outlived);
  },
  300_000,
);
