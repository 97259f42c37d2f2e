/** `silo status`. */
import type { consoleToKernel } from "../../kernel/abi/console-messages.ts";
import type { ValueOf } from "../../kernel/abi/messages.ts";
import { withKernel } from "./kernel.ts";
import type { Output, World } from "./output.ts";
import { findPlaces } from "./places.ts";
import { list, localTime, table } from "./text.ts";

type Status = ValueOf<typeof consoleToKernel, "status">;

export async function status(world: World): Promise<Output> {
  const found = await withKernel(findPlaces(world.state), world.person, (ask) => ask("status", {}));
  return { json: found, text: showStatus(found) };
}

/** Lowered guards and a node that starts nothing come first and are never left out. */
export function showStatus(status: Status): string {
  return [
    `SiloOS ${status.version}, mode: ${status.mode}, since ${localTime(status.started)}`,
    ...status.lowered.map((guard) => `  ! ${guard}`),
    ...haltText(status.halted).map((line) => `  ! ${line}`),
    ...stopText(status.stopped).map((line) => `  ! ${line}`),
    ...(status.audit_log.fault === null ? [] : [`  ! ${status.audit_log.fault}`]),
    "",
    list([
      ["tasks", pairs(status.tasks)],
      ["cells", `${status.slots.used} of ${status.slots.total} slots in use; ${waitingText(status.pool)}`],
      ["cells begun", `${status.pool.taken} waited for their task, ${status.pool.cold} were started for it`],
      ["answers to deliver", status.undelivered],
      ["audit entries", `${status.audit_entries}, ${status.audit_log.published} under the last checkpoint`],
      ["peers", pairs(mapValues(status.peers, (there) => (there ? "connected" : "NOT CONNECTED")))],
    ]),
    "",
    table(
      ["ROLE", "KIND", "STATE", "BUNDLE"],
      status.roles.map(({ role, human, online, bundle }) => [
        role,
        human ? "human" : "agent",
        online ? "online" : "offline",
        bundle?.slice(0, 12) ?? null,
      ]),
    ),
  ].join("\n");
}

function haltText(halted: Status["halted"]): string[] {
  if (halted === null) return [];
  const { check, cell, since } = halted;
  return [
    `NO CELL IS STARTED since ${localTime(since)}: ${cell} found that a guard was missing (${check}). Tasks wait.`,
    "When that is mended: silo cells resume",
  ];
}

function stopText(stopped: Status["stopped"]): string[] {
  if (stopped === null) return [];
  const what = stopped.code === "DISK_FULL" ? "the disk is full" : "the disk does not take it";
  return [
    `NOTHING NEW IS BEGUN since ${localTime(stopped.since)}: the audit log cannot be written, ${what} (${stopped.why}).`,
    "Nothing that was accepted is lost. It goes on by itself when there is space again.",
  ];
}

function waitingText({ waiting }: Status["pool"]): string {
  return waiting.length === 0
    ? "none waits"
    : `waiting: ${waiting.map(({ role, cells }) => `${role} ${cells}`).join(", ")}`;
}

function pairs(values: Record<string, string | number>): string {
  const all = Object.entries(values).map(([name, value]) => `${name} ${value}`);
  return all.length === 0 ? "none" : all.join(", ");
}

function mapValues<A, B>(values: Record<string, A>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}
