/** Users and groups of the tree we run in, by name. */
import { readFileSync } from "node:fs";
import { LaunchError } from "./launch-error.ts";

export type Accounts = { uid(user: string): number; gid(group: string): number };

/** Reads passwd(5) and group(5). A name that is not there throws: the tree was made without our users. */
export function readAccounts(etc = "/etc"): Accounts {
  const users = parseIds(readFileSync(`${etc}/passwd`, "utf8"));
  const groups = parseIds(readFileSync(`${etc}/group`, "utf8"));
  return { uid: (name) => lookUp(users, name), gid: (name) => lookUp(groups, name) };
}

function parseIds(text: string): Map<string, number> {
  const rows = text.split("\n").map((line) => line.split(":"));
  return new Map(rows.filter((row) => row.length > 2).map(([name, , id]) => [name as string, Number(id)]));
}

function lookUp(ids: Map<string, number>, name: string): number {
  const id = ids.get(name);
  if (id === undefined)
    throw new LaunchError(`There is no account ${name} here: 'silo up' runs inside the build root.`);
  return id;
}
