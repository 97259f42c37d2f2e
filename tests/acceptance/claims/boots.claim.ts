import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import type { Machine } from "../../../image/machine/machine.ts";
import type { Inside } from "../inside.ts";
import { BOOT_MS_MAX, build, inside, machine, opened, READY } from "../world.ts";

const SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

describe("an appliance that starts for the first time", () => {
  let started: Machine;
  let asked: Inside;
  beforeAll(async () => {
    started = await machine("boots", opened);
    asked = await inside(started);
  });
  const read = async (path: string) => (await asked.run(["/usr/bin/cat", path])).out;

  test("says that it is ready", () => started.serial.expect(READY, BOOT_MS_MAX));

  test("has no unit that failed", async () => {
    const { out } = await asked.run(["/usr/bin/systemctl", "list-units", "--failed", "--no-legend", "--plain"]);
    expect(out).toBe("");
  });

  test("was started by a firmware that enforces Secure Boot", async () => {
    const { out } = await asked.run(["/usr/bin/od", "-An", "-tu1", "-j4", SECURE_BOOT]);
    expect(out.trim()).toBe("1");
  });

  test("runs on the root that was made, checked by dm-verity, read-only", async () => {
    const hash = readFileSync(build.rootHash, "utf8").trim();
    expect(await read("/proc/cmdline")).toContain(`roothash=${hash}`);
    const [, , , , , , , , , , rootDigest] = (await asked.run(["/usr/sbin/dmsetup", "table", "root"])).out.split(" ");
    expect(rootDigest).toBe(hash);
    expect(await read("/proc/mounts")).toMatch(/^\/dev\/mapper\/root \/ erofs ro,/m);
    expect((await asked.run(["/usr/bin/touch", "/usr/here"])).err).toContain("Read-only file system");
  });

  test("has a kernel that root cannot change", async () => {
    expect(await read("/sys/kernel/security/lockdown")).toContain("[integrity]");
    expect(await read("/sys/module/module/parameters/sig_enforce")).toBe("Y\n");
    expect((await asked.run(["/usr/bin/dd", "if=/dev/mem", "bs=1", "count=1"])).err).toMatch(
      /not permitted|No such file/,
    );
  });

  test("offers nobody a login or a shell", async () => {
    expect(started.serial.text()).not.toMatch(/login:|[#$] $/m);
    const { out } = await asked.run([
      "/usr/bin/systemctl",
      "list-units",
      "--no-legend",
      "--plain",
      "*getty*",
      "*shell*",
      "*ssh*",
    ]);
    expect(out.split("\n").filter((line) => line.includes(" active "))).toEqual([]);
  });

  test("knows itself by what its firmware says, at every start", async () => {
    expect(await read("/etc/machine-id")).toBe("5110050a0000400080000000000000aa\n");
  });
});
