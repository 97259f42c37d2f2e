/** What the claims share: the build they are about, and machines that are switched off after them. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll } from "vitest";
import { readBuild, WORKSHOP } from "../../image/build.ts";
import { type Machine, type MachineOptions, startMachine } from "../../image/machine/machine.ts";
import { type Inside, openInside } from "./inside.ts";

export const build = readBuild();
/** The appliance's last word of its start. */
export const READY = /SILO READY/;
/** Emulated, on a machine that has other work. */
export const BOOT_MS_MAX = 1_800_000;

const FOLDER = "/var/silo/machines";

/** The image as it ships, in a machine whose firmware knows the keys it is signed with. */
export const shipped = { image: build.disk, keys: WORKSHOP.keys };
/** The same root under the kernel image that opens the port. */
export const opened = { image: build.acceptance.disk, keys: build.acceptance.keys };

type Options = Partial<MachineOptions> & Pick<MachineOptions, "image" | "keys">;

/** A machine that nobody has switched on before; `again` starts the same one, with what it has kept. */
export async function machine(name: string, options: Options): Promise<Machine> {
  rmSync(join(FOLDER, name), { recursive: true, force: true });
  return again(name, options);
}

export async function again(name: string, options: Options): Promise<Machine> {
  const started = await startMachine({ folder: join(FOLDER, name), ...options });
  ending.push(() => started.cut());
  return started;
}

/** Asks it from inside; for machines of `opened`. */
export async function inside(of: Machine): Promise<Inside> {
  const asked = await openInside(of.port);
  ending.push(async () => asked.close());
  return asked;
}

const ending: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of ending.reverse()) await end();
});
