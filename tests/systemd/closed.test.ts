/** Nobody gets a shell, and what the image starts is what silo.target names. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { last, readUnit, UNITS, words } from "./unit-file.ts";

const root = new URL("../../", import.meta.url).pathname;
const read = (path: string) => readFileSync(root + path, "utf8");

test.each(["getty@", "serial-getty@", "console-getty", "container-getty@", "autovt@", "debug-shell"])(
  "%s.service cannot be started by anybody",
  (name) => {
    expect(readlinkSync(`${root}systemd/etc/systemd/system/${name}.service`)).toBe("/dev/null");
  },
);

test("a boot that fails gives no shell: it starts again", () => {
  expect(readlinkSync(`${root}systemd/etc/systemd/system/rescue.target`)).toBe("/dev/null");
  const emergency = readUnit("emergency.service");
  expect(emergency("ExecStart")).toEqual(["/usr/bin/systemctl --force --no-block reboot"]);
});

test("nothing is started because a package was installed", () => {
  expect(read("systemd/presets/silo.preset")).toMatch(/^disable \*$/m);
});

test("no unit of ours asks for a shell", () => {
  for (const name of readdirSync(UNITS).filter((file) => file.endsWith(".service")))
    for (const key of ["ExecStart", "ExecStartPre", "ExecStartPost", "ExecStopPost"])
      for (const command of readUnit(name)(key)) expect(command).not.toMatch(/\b(ba|da)?sh\b/);
});

test("there is no network before the firewall, and none without it", () => {
  const network = readFileSync(`${UNITS}systemd-networkd.service.d/silo.conf`, "utf8");
  expect(network).toMatch(/^Requires=silo-firewall\.service$/m);
  expect(network).toMatch(/^After=silo-firewall\.service$/m);
  const firewall = readUnit("silo-firewall.service");
  expect(words(firewall, "Before")).toContain("network-pre.target");
  expect(last(firewall, "Type")).toBe("notify");
});

test("the firewall lets chrony reach the servers it asks, by NTS and NTP, and no others", () => {
  const servers = [...read("systemd/etc/chrony/chrony.conf").matchAll(/^server (\S+) iburst nts$/gm)].map(
    ([, name]) => name,
  );
  const { clock } = parse(read("config/silo.yaml")).network.destinations;
  expect(clock).toEqual(servers.flatMap((name) => [`${name}:4460`, `${name}:123/udp`]));
  expect(servers.length).toBeGreaterThanOrEqual(3);
  expect(read("systemd/etc/chrony/chrony.conf")).not.toMatch(/^(pool|peer|allow|sourcedir|confdir)\b/m);
});

test("state is mounted or nothing starts: what needs it waits for it", () => {
  expect(words(readUnit("var.mount"), "Requires")).toContain("silo-disk.service");
  expect(words(readUnit("silo-unseal.service"), "RequiresMountsFor")).toEqual(["/var/silo"]);
});
