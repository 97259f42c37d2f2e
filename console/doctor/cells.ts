/** Can a cell be made here, and does it hold? Each is tried: a namespace is made, a call is taken away, a real cell runs its own checks. */
import { product } from "../cli/places.ts";
import { type Finding, holds, missing } from "./finding.ts";
import { tryProgram } from "./try.ts";

export function userNamespaces(): Finding {
  const tried = tryProgram(["unshare", "--user", "--map-root-user", "--pid", "--fork", "--net", "--mount", "true"]);
  if (tried.ok) return holds("namespaces", "user, process, network and mount namespaces can be made");
  return missing(
    "namespaces",
    `no cell can be made, and none runs: ${tried.why}`,
    "allow user namespaces: sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone; in a container, run it privileged",
  );
}

export function syscallFilter(): Finding {
  const before = tryProgram(["uname"]);
  const after = tryProgram(["enosys", "--syscall", "uname", "--", "uname"]);
  if (before.ok && !after.ok && after.why.includes("not implemented"))
    return holds("syscall filter", "a system call that is taken away is gone");
  return missing(
    "syscall filter",
    `processes and cells are not narrowed: ${after.ok ? "a call that was taken away still works" : after.why}`,
    "use a Linux kernel with CONFIG_SECCOMP_FILTER",
  );
}

/** One a kind of cell the jailer has; the second is what agents may be given where the first does not run. */
export function isolations(): Finding[] {
  const tried = tryProgram([process.execPath, `${product}/jail/try.ts`]);
  if (!tried.ok) return [missing("cells", `no cell could be tried: ${tried.why}`, "run it as root, on Linux")];
  const found = JSON.parse(tried.out) as { isolation: string; why: string | null }[];
  return found.map(({ isolation, why }) => {
    const probe = `cell (${isolation})`;
    if (why === null)
      return holds(probe, "a real cell was started, every check it makes of itself held, and it reached its socket");
    return missing(
      probe,
      `no agent that asks for it is run: ${why}`,
      "see the log of the jailer; a container must be privileged and have a /run of its own",
    );
  });
}
