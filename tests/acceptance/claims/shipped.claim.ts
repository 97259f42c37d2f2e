import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { openInside } from "../inside.ts";
import { BOOT_MS_MAX, machine, opened, READY, shipped } from "../world.ts";

/** Twice what the acceptance's image takes to answer after it is ready. */
const DEAD_MS = 300_000;
const MARK = "SOMEBODY-ELSES-UNIT";
const UNIT = `[Service]\nType=oneshot\nStandardOutput=tty\nTTYPath=/dev/console\nExecStart=/usr/bin/echo ${MARK}\n`;
const credential = (name: string, text: string) =>
  `type=11,value=io.systemd.credential.binary:${name}=${Buffer.from(text).toString("base64")}`;

test("the image that ships takes no unit from its host, and its port for acceptance is dead", async () => {
  const started = await machine("shipped", {
    ...shipped,
    smbios: [
      credential("systemd.extra-unit.other.service", UNIT),
      credential("systemd.unit-dropin.sysinit.target", "[Unit]\nWants=other.service\n"),
    ],
  });
  const asked = await openInside(started.port);
  const answer = asked.run(["/usr/bin/true"]).then(
    () => "an answer",
    () => "none",
  );
  await started.serial.expect(READY, BOOT_MS_MAX);
  await expect(Promise.race([answer, pause(DEAD_MS, "none")])).resolves.toBe("none");
  expect(started.serial.text()).not.toContain(MARK);
  asked.close();
});

test("a firmware that knows the shipped keys does not start the acceptance's image", async () => {
  const refused = await machine("other-key", { ...opened, keys: shipped.keys });
  await refused.serial.expect(/Access Denied|Security Violation/i, BOOT_MS_MAX);
  expect(refused.serial.text()).not.toContain("Linux version");
});
