/**
 * Is the authority graph what the files say? Each of our users tries each socket's folder, and gets in exactly where kernel/abi/edges.ts
 * says so; state folders have the owner and mode they were made with.
 */
import { lstatSync, statSync } from "node:fs";
import { edges, type ProcessName } from "../../kernel/abi/edges.ts";
import type { Accounts } from "../up/accounts.ts";
import { planFolders, planTrialFolders } from "../up/layout.ts";
import { services, userOf } from "../up/processes.ts";
import { type Finding, holds, lowered, type Mode, missing } from "./finding.ts";

type Places = { run: string; state: string };

/** The processes that hold no root: the ones a permission can keep out. */
const users: readonly ProcessName[] = [...services.filter(({ root }) => !root).map(({ name }) => name), "console"];

export function edgesHold(mode: Mode, { run }: Places, accounts: Accounts): Finding {
  if (statSync(`${run}/kernel`, { throwIfNoEntry: false }) === undefined)
    return lowered(mode, "edges", "SiloOS has not been started here, so there is nothing to try", "start it: silo up");
  const wrong = users.flatMap((user) =>
    edges
      .filter(
        (edge) => getsIn(user, `${run}/${edge.to}/${edge.from}`, accounts) !== (user === edge.to || user === edge.from),
      )
      .map(({ from, to }) => `${userOf(user)} at ${from} -> ${to}`),
  );
  if (wrong.length === 0)
    return holds("edges", `${users.length} users tried ${edges.length} sockets and got to their own alone`);
  return missing(
    "edges",
    `the authority graph is not what it should be: ${wrong.join(", ")}`,
    "stop SiloOS and start it again: it puts its folders right; then find out who changed them",
  );
}

/** Whether that user, with its own group alone, may name a file in `folder`. */
function getsIn(user: ProcessName, folder: string, accounts: Accounts): boolean {
  const groups = process.getgroups?.() ?? [];
  try {
    process.setgroups?.([]);
    process.setegid?.(accounts.gid(userOf(user)));
    process.seteuid?.(accounts.uid(userOf(user)));
    return statSync(`${folder}/.`, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.(groups);
  }
}

export function foldersHold(mode: Mode, { run, state }: Places, accounts: Accounts): Finding {
  const plan = [...planFolders(services, edges, run, state), ...planTrialFolders(services, run, state)];
  if (statSync(`${state}/kernel`, { throwIfNoEntry: false }) === undefined)
    return lowered(mode, "folders", "there is no state yet", "start SiloOS: silo up");
  const wrong = plan.flatMap(({ path, owner, group, mode: bits }) => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return [];
    const isRight =
      found.isDirectory() &&
      found.uid === accounts.uid(owner) &&
      found.gid === accounts.gid(group) &&
      (found.mode & 0o7777) === bits;
    return isRight
      ? []
      : [
          `${path} is ${found.uid}:${found.gid} ${(found.mode & 0o7777).toString(8)}, not ${owner}:${group} ${bits.toString(8)}`,
        ];
  });
  if (wrong.length === 0) return holds("folders", "state, sockets and credentials belong to one process each");
  return missing(
    "folders",
    wrong.join("; "),
    "stop SiloOS and start it again: it puts its folders right; then find out who changed them",
  );
}
