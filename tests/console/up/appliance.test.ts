import { beforeAll, describe, expect, test } from "vitest";
import { readAccounts } from "../../../console/up/accounts.ts";
import { services, userOf } from "../../../console/up/processes.ts";
import { edges, socketPath } from "../../../kernel/abi/edges.ts";
import { sealFaults } from "../../../kernel/process/seal.ts";
import { freePort, nodeApart } from "../apart.ts";

type Found = {
  processes: { name: string; status: string; network: string }[];
  secondLauncher: string;
  files: { path: string; socket: boolean; mode: number; uid: number; gid: number }[];
  revived: Record<string, boolean>;
  again: string;
  credentials: boolean;
  left: string[];
};

const { uid, gid } = readAccounts();
let found: Found;

beforeAll(async () => {
  const { exit, out, err } = await nodeApart("tests/console/up/appliance-inside.ts", String(freePort()));
  if (exit !== 0) throw new Error(`The appliance did not start: ${out}${err}`);
  found = JSON.parse(out) as Found;
}, 240_000);

const at = (path: string) => found.files.find((file) => file.path === path);

describe.each(services.map((service) => [service.name, service] as const))("%s", (name, service) => {
  const its = () => found.processes.find((process) => process.name === name) as Found["processes"][number];

  test("runs sealed", () => {
    const seal = { uid: service.root ? 0 : uid(userOf(name)), capabilities: service.root ? "root" : "none" } as const;
    expect(sealFaults(its().status, seal)).toEqual([]);
    expect(its().status).toMatch(/^Seccomp:\s*2$/m);
  });

  test("has the network of its row", () => {
    const lines = its().network.split("\n").slice(2);
    const interfaces = lines.map((line) => line.split(":")[0]?.trim()).filter((one) => one !== "");
    if (service.network === "none") expect(interfaces.filter((one) => one !== "lo")).toEqual([]);
    else expect(interfaces).toContain("lo");
  });

  test("was given its credentials and no others, readable by it alone", () => {
    const folder = `/run/silo/credentials/${name}/`;
    const given = found.files.filter(({ path }) => path.startsWith(folder));
    expect(given.map(({ path }) => path.slice(folder.length)).sort()).toEqual([...service.credentials].sort());
    for (const { mode, uid: owner } of given)
      expect({ mode, owner }).toEqual({ mode: 0o400, owner: uid(userOf(name)) });
  });

  test("comes back after SIGKILL, and serves", () => expect(found.revived[name]).toBe(true));
});

test.each(edges.map((edge) => [`${edge.from} -> ${edge.to}`, edge] as const))(
  "%s: its socket lets in the sender's group and nobody else",
  (_, { from, to }) => {
    const socket = at(socketPath("/run/silo", to, from));
    expect(socket).toMatchObject({ socket: true, gid: gid(userOf(from)), mode: 0o660 });
  },
);

test("there is no socket but those of edges and cells", () => {
  const named = new Set(edges.map(({ from, to }) => socketPath("/run/silo", to, from)));
  const sockets = found.files.filter(({ socket }) => socket).map(({ path }) => path);
  expect(sockets.filter((path) => !named.has(path) && !/^\/run\/silo\/cells\/\d+\/membrane$/.test(path))).toEqual([]);
});

test("a second launcher is not let near a state directory in use", () => {
  expect(found.secondLauncher).toContain("running already");
});

test("a state whose keys are gone is not started on, and the launcher says what to do", () => {
  expect(found.again).toMatch(/keys .* are gone.*npm start/);
});

test("no credential is left after the stop", () => expect(found.credentials).toBe(false));

test("nothing runs on after the stop", () => expect(found.left).toEqual([]));
