import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readAccounts } from "../../../console/up/accounts.ts";
import { applyFolders, planFolders, planTrialFolders } from "../../../console/up/layout.ts";
import { services, userOf } from "../../../console/up/processes.ts";
import { edges, socketPath } from "../../../kernel/abi/edges.ts";

const plan = [
  ...planFolders(services, edges, "/run/silo", "/var/silo"),
  ...planTrialFolders(services, "/run/silo", "/var/silo"),
];
const at = (path: string) => plan.find((folder) => folder.path === path);

describe("the plan", () => {
  test.each(edges.map((edge) => [`${edge.from} -> ${edge.to}`, edge] as const))(
    "%s: the socket's folder belongs to the receiver and is open to the sender's group alone",
    (_, { from, to }) => {
      const folder = at(socketPath("/run/silo", to, from).replace(/\/socket$/, ""));
      expect(folder).toMatchObject({ owner: userOf(to), group: userOf(from), mode: 0o2710 });
    },
  );

  test("opens no folder to a group that no edge names, but the log to the exporter and how far it is to the kernel", () => {
    const named = new Set([
      "/var/silo/audit",
      "/var/silo/siem",
      ...edges.map(({ from, to }) => `/run/silo/${to}/${from}`),
    ]);
    const opened = plan.filter(({ owner, group, path }) => owner !== group && !named.has(path));
    expect(opened).toEqual([]);
    expect(at("/var/silo/audit")).toMatchObject({ owner: "silo-kernel", group: "silo-siem", mode: 0o2750 });
    expect(at("/var/silo/siem")).toMatchObject({ owner: "silo-siem", group: "silo-kernel", mode: 0o2750 });
  });

  test("lets nobody but the door into the slots of the cells", () => {
    expect(at("/run/silo/cells")).toMatchObject({ owner: "silo-door", mode: 0o700 });
    expect(at("/run/silo/cells/0")).toMatchObject({ owner: "silo-door", mode: 0o711 });
    expect(at("/run/silo/cells/99")).toBeDefined();
    expect(at("/run/silo/cells/100")).toBeUndefined();
  });

  test("gives every process a folder of credentials only it can read", () => {
    for (const { name } of services)
      expect(at(`/run/silo/credentials/${name}`)).toMatchObject({ owner: userOf(name), mode: 0o500 });
  });

  test("keeps the state of one process from every other", () => {
    const secret = [
      "kernel",
      "vault",
      "proxies/email",
      "proxies/sms",
      "proxies/kv",
      "proxies/database",
      "console/people",
      "log",
    ];
    for (const name of secret) expect(at(`/var/silo/${name}`)?.mode).toBe(0o700);
  });
});

describe("applying it", () => {
  let scratch: string;
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), "layout-"));
  });
  afterEach(() => rmSync(scratch, { recursive: true }));

  test("puts owners and modes right that were wrong, and empties what is volatile", () => {
    const folders = planFolders(services, edges, `${scratch}/run`, `${scratch}/var`);
    applyFolders(folders, readAccounts());
    writeFileSync(`${scratch}/run/kernel/door/socket`, "stale");
    writeFileSync(`${scratch}/var/kernel/data.mdb`, "kept");
    const wrong = folders.map((folder) => ({ ...folder, owner: "root", group: "root", mode: 0o777, empty: false }));
    applyFolders(wrong, readAccounts());
    applyFolders(folders, readAccounts());
    for (const { path, owner, group, mode } of folders) {
      const { uid, gid, mode: found } = statSync(path);
      const { uid: uidOf, gid: gidOf } = readAccounts();
      expect({ path, uid, gid, mode: found & 0o7777 }).toEqual({ path, uid: uidOf(owner), gid: gidOf(group), mode });
    }
    expect(() => statSync(`${scratch}/run/kernel/door/socket`)).toThrow("ENOENT");
    expect(statSync(`${scratch}/var/kernel/data.mdb`).size).toBe(4);
  });

  test("refuses a file where a folder belongs", () => {
    writeFileSync(`${scratch}/var`, "");
    const folders = planFolders([], [], `${scratch}/run`, `${scratch}/var`);
    expect(() => applyFolders(folders, readAccounts())).toThrow();
  });
});
