/** How one process is started: the chain of programs that takes privileges away, as data, and the start itself. */
import { type ChildProcess, spawn } from "node:child_process";
import { lowered } from "./lowered.ts";
import { type Service, userOf } from "./processes.ts";

export type Start = {
  /** `/opt/silo`. */
  product: string;
  /** `/run/silo`. */
  run: string;
  /** The session keyring to join; null for processes that keep no secrets. */
  keyring: string | null;
};

/** From the outside in: no core dumps, an empty network, another user with nothing left, a filter, and then Node. */
export function commandLine(service: Service, { product, run, keyring }: Start): [string, ...string[]] {
  return [
    "prlimit",
    "--core=0:0",
    "--",
    ...(service.network === "none" ? ["unshare", "--net", "--"] : []),
    "setpriv",
    ...(service.root ? [] : unprivileged(userOf(service.name))),
    "--pdeathsig=KILL",
    `--seccomp-filter=${filterPath(run, service)}`,
    "--",
    ...(keyring === null ? [] : ["keyctl", "session", keyring]),
    "node",
    `${product}/${service.folder}/main.ts`,
  ];
}

export function filterPath(run: string, { name }: Pick<Service, "name">): string {
  return `${run}/filters/${name}.bpf`;
}

function unprivileged(user: string): string[] {
  return [
    `--reuid=${user}`,
    `--regid=${user}`,
    "--clear-groups",
    "--bounding-set=-all",
    "--inh-caps=-all",
    "--ambient-caps=-all",
    "--no-new-privs",
  ];
}

/** Starts it with its output appended to `log` (a descriptor) and a channel on which it says that it is ready. */
export function start(service: Service, how: Start, log: number): ChildProcess {
  const [program, ...argv] = commandLine(service, how);
  return spawn(program, argv, {
    cwd: how.product,
    env: environment(service, how.run),
    stdio: ["ignore", log, log, "ipc"],
  });
}

function environment({ name }: Service, run: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    LANG: "C.UTF-8",
    CREDENTIALS_DIRECTORY: `${run}/credentials/${name}`,
    SILO_MODE: "trial",
    SILO_LOWERED: lowered.join("\n"),
  };
}
