/** `silo keys list`, `rotate`, `revoke`. */
import type { consoleToKernel, LiveKeyLine, SigningKeyLine } from "../../kernel/abi/console-messages.ts";
import type { ValueOf } from "../../kernel/abi/messages.ts";
import { withKernel } from "./kernel.ts";
import type { Output, World } from "./output.ts";
import { findPlaces } from "./places.ts";
import { count, localTime, table } from "./text.ts";

type Table = typeof consoleToKernel;

export async function keysList(world: World): Promise<Output> {
  const found = await withKernel(findPlaces(world.state), world.person, (ask) => ask("keys_list", {}));
  return { json: found, text: showKeys(found) };
}

function showKeys({ signing, live }: ValueOf<Table, "keys_list">): string {
  const signers = table(
    ["SIGNING KEY", "FOR", "MADE", "SIGNS SINCE", "VERIFIES UNTIL", "LIVE"],
    signing.map(signingRow),
  );
  if (live.length === 0) return `${signers}\n\nNo cell holds a key now.`;
  const keys = table(["KEY", "FOR", "ROLE", "OF", "MADE", "UNTIL", "SIGNED BY", "TASKS"], live.map(liveRow));
  return `${signers}\n\n${keys}`;
}

function signingRow({ kid, kind, made, since, until, live }: SigningKeyLine) {
  const begun = since === null ? "not yet" : localTime(since);
  return [kid, kind, localTime(made), begun, until === null ? "it signs" : localTime(until), live];
}

function liveRow({ key, kind, role, sub, made, until, kid, tasks }: LiveKeyLine) {
  return [key, kind, role, sub, localTime(made), localTime(until), kid.slice(0, 12), tasks.length];
}

export async function keysRotate(world: World, kind: SigningKeyLine["kind"] | "log"): Promise<Output> {
  const { kid } = await withKernel(findPlaces(world.state), world.person, (ask) => ask("keys_rotate", { kind }));
  if (kind === "log")
    return {
      json: { kid },
      text: `${kid} signs the log from now on; the one before vouches for it. Keys you gave away stay good: verify follows.`,
    };
  return {
    json: { kid },
    text: `${kid} signs ${kind} keys from now on. What the one before signed goes on until it runs out.`,
  };
}

export async function keysRevoke(world: World, of: string): Promise<Output> {
  const revoked = await withKernel(findPlaces(world.state), world.person, (ask) => ask("keys_revoke", { of }));
  return { json: revoked, text: showRevoked(revoked) };
}

function showRevoked({ keys, tasks }: ValueOf<Table, "keys_revoke">): string {
  if (keys.length === 0) return "Nobody held a key of it.";
  const cells =
    tasks.length === 0
      ? "No cell held them."
      : `${count(tasks.length, "cell")} ended; their tasks start again with other keys:`;
  return [`${count(keys.length, "key")} void. ${cells}`, ...tasks.map((task) => `  ${task}`)].join("\n");
}
