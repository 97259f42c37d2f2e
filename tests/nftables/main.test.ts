/** The program behind `silo firewall`, in an empty network namespace, on the configuration that is shipped. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Count } from "../../nftables/nft.ts";
import { makeState } from "../console/apart.ts";

const state = makeState();
let holder: ChildProcess;
beforeAll(async () => {
  const inside =
    'mkdir -p "$0/var/firewall" && mount --bind "$0/run" /run/silo && mount --bind "$0/var" /var/silo && echo there && exec sleep infinity';
  holder = spawn("unshare", ["--net", "--mount", "--", "sh", "-c", inside, state], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(holder.stdout as Readable, "data");
});
afterAll(() => {
  holder.kill("SIGKILL");
  rmSync(state, { recursive: true, force: true });
});

function inside(...argv: string[]) {
  const { status, stdout, stderr } = spawnSync(
    "nsenter",
    [`--target=${holder.pid}`, "--net", "--mount", "--wd=/opt/silo", "--", ...argv],
    { encoding: "utf8" },
  );
  return { status, out: stdout, err: stderr };
}
const firewall = (...argv: string[]) => inside("node", "nftables/main.ts", ...argv);

test("check says what would be let through, and loads nothing", () => {
  const { status, out } = firewall("check");
  expect({ status, out }).toEqual({ status: 0, out: expect.stringContaining("front_door_port") });
  expect(inside("nft", "list", "tables").out).toBe("");
});

test("show says that nothing is loaded", () => {
  expect(JSON.parse(firewall("show", "--json").out)).toEqual({ state: "absent", elements: {}, counts: [] });
});

test("apply loads it, and show tells every rule and its count", () => {
  expect(firewall("apply")).toMatchObject({ status: 0, out: expect.stringMatching(/^The firewall is in force\.$/m) });
  const { state, counts } = JSON.parse(firewall("show", "--json").out) as { state: string; counts: Count[] };
  expect(state).toBe("intact");
  expect(counts).toContainEqual(expect.objectContaining({ chain: "out", rule: "cells", packets: 0 }));
  expect(firewall("show").out).toMatch(/The firewall is in force[\s\S]*out +cells +0 packets/);
});

test("a rule that somebody added beside is told in capitals, and apply puts it right", () => {
  inside("nft", "insert", "rule", "inet", "silo", "out", "accept");
  expect(firewall("show").out).toContain("THE RULES ARE NOT THOSE OF SILOOS");
  firewall("apply");
  expect(JSON.parse(firewall("show", "--json").out)).toMatchObject({ state: "intact" });
});

test.each([
  ["fails", "#!/bin/sh\nexit 1\n", /unshare ended/],
  ["hangs", "#!/bin/sh\nexec sleep 60\n", /aborted/],
])(
  "where no namespace can be made to compare with, because unshare %s, that is said and nothing waits for ever",
  (...row) => {
    const [, program, why] = row;
    const folder = `${state}/var/firewall`;
    writeFileSync(`${folder}/unshare`, program, { mode: 0o755 });
    const path = `PATH=/var/silo/firewall:${process.env["PATH"]}`;
    const { status, err } = inside("env", path, "node", "nftables/main.ts", "show");
    rmSync(`${folder}/unshare`);
    expect({ status, err }).toEqual({
      status: expect.toSatisfy((code) => code !== 0),
      err: expect.stringMatching(why),
    });
  },
);

test("a word it does not know is refused", () => {
  expect(firewall("open")).toMatchObject({ status: 3, err: expect.stringContaining("check, show or apply") });
});
