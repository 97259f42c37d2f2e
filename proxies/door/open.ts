/** Opens the door: its edges to kernel and vault, and one slot for each cell there can be at once. */
import { KEY_CHARS_MAX } from "../../kernel/abi/bounds.ts";
import { doorToKernel, doorToVault, kernelToDoor } from "../../kernel/abi/messages.ts";
import { readOperations } from "../../kernel/abi/operations-file.ts";
import { readSettings } from "../../kernel/abi/settings.ts";
import type { Directories } from "../../kernel/process/config.ts";
import { connect } from "../../kernel/process/connect.ts";
import { loadHttp } from "../../kernel/process/http.ts";
import { listen } from "../../kernel/process/listen.ts";
import type { Log } from "../../kernel/process/log.ts";
import type { Running } from "../../kernel/process/start.ts";
import { compileRules, type Door, drain, endCell } from "./door.ts";
import { kernelEdge } from "./kernel-edge.ts";
import { serve } from "./serve.ts";
import { Slot } from "./slot.ts";

/** Both keys in full length, and what a client adds. */
const HEADER_BYTES_MAX = 2 * KEY_CHARS_MAX + 4096;

/** Everything the door's process does but starting: its sockets are open when this settles. */
export async function openDoor(dirs: Directories, log: Log): Promise<Running> {
  const settings = readSettings(dirs);
  const { App } = await loadHttp(HEADER_BYTES_MAX);
  const at = { run: dirs.run, log };
  const door: Door = {
    kernel: connect({ from: "door", to: "kernel" }, doorToKernel, at),
    vault: connect({ from: "door", to: "vault" }, doorToVault, at),
    rules: compileRules(readOperations(dirs)),
    keys: undefined,
    inHand: new Set(),
    isStopping: false,
    now: Date.now,
  };
  const slots = Array.from({ length: settings.slots }, (_, number) => {
    const slot: Slot = new Slot(number, `${dirs.run}/cells/${number}/membrane`, App(), (exchange, occupant) => {
      void serve(door, occupant, exchange, () => endCell(slot, occupant.cell));
    });
    return slot;
  });
  const server = await listen({ from: "kernel", to: "door" }, kernelToDoor, kernelEdge(door, slots), at);
  return {
    status: `serving ${slots.length} slots`,
    stop: async () => {
      server.close();
      await drain(door);
      for (const slot of slots) slot.close();
      door.kernel.close();
      door.vault.close();
    },
  };
}
