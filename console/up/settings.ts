/** What a start reads of the configuration, and the one thing it may set: the port of the front door. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { readSettings, type Settings } from "../../kernel/abi/settings.ts";

export type Places = { etc: string; var: string };

/** Settings in force. A `port` is written where an administrator's own settings are, and all else stays as it stands. */
export function settle(places: Places, port: number | undefined): Settings {
  if (port !== undefined) {
    const silo = document(places, "silo.yaml");
    silo.setIn(["http", "port"], port);
    replaceFile(`${places.var}/config/silo.yaml`, String(silo));
  }
  return readSettings(places);
}

/** The folder is another user's and we are root: a link that lies there is replaced, never followed. */
function replaceFile(path: string, text: string): void {
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  writeFileSync(fresh, text, { flag: "wx", mode: 0o644 });
  renameSync(fresh, path);
}

/** Names of the people who get a sign-in secret. Whether they may do anything is the kernel's to read and check. */
export function peopleNames(places: Places): string[] {
  const people = Object(document(places, "people.yaml").toJS())["people"];
  return Object.keys(Object(people));
}

function document({ etc, var: state }: Places, name: string) {
  const set = `${state}/config/${name}`;
  return parseDocument(readFileSync(existsSync(set) ? set : `${etc}/${name}`, "utf8"));
}
