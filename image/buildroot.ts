/**
 * The build root as host-side TypeScript sees it: made by `tree.sh`, entered through `enter.sh`. Both say on stderr, in
 * one sentence, what to do where they cannot; both need root.
 */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const TREE = fileURLToPath(new URL("tree.sh", import.meta.url));
const ENTER = fileURLToPath(new URL("enter.sh", import.meta.url));

/** Absolute host paths of the two trees the trial and the tests run in. */
export type Trees = { readonly buildroot: string; readonly cell: string };

/** A tree that tree.sh makes. */
type TreeName = keyof Trees | "appliance" | "workshop";

/** A host folder at a path inside, absolute both; writable inside unless `readonly`. */
type Bind = { readonly host: string; readonly inside: string; readonly readonly?: true };

export type Entry = {
  /** The tree that is entered: the build root, where it is not said. */
  readonly tree?: "workshop";
  /** Host folder for what outlives the command: its `var` is /var/silo inside, its `run` /run/silo. Made where missing. */
  readonly state: string;
  readonly binds?: readonly Bind[];
  /** The command and its arguments, looked up in the build root's PATH; `node` is the pinned one. */
  readonly argv: readonly [string, ...string[]];
  readonly stdio?: StdioOptions;
};

/**
 * Builds the trees that are missing, which takes a minute or two the first time and nothing later.
 *
 * @param progress gets each line the build says, among them, last, why it failed
 * @throws Error with that last line where a tree could not be built
 */
export async function ensureTrees(progress: (line: string) => void): Promise<Trees> {
  return { buildroot: await ensureTree("buildroot", progress), cell: await ensureTree("cell", progress) };
}

/** The same for one tree. */
export async function ensureTree(name: TreeName, progress: (line: string) => void): Promise<string> {
  const child = spawn(TREE, ["build", name], { stdio: ["ignore", "pipe", "pipe"] });
  let path = "";
  let last = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    path += text;
  });
  createInterface(child.stderr).on("line", (line) => {
    last = line;
    progress(line);
  });
  const [status] = await once(child, "close");
  if (status !== 0) throw new Error(last);
  return path.trimEnd();
}

/**
 * Starts a command inside the build root, building the trees where they are missing. Nothing it starts outlives it, or
 * this process. The exit status is the command's; `kill` with SIGINT, SIGTERM or SIGHUP reaches it.
 */
export function enterBuildRoot({ tree, state, binds = [], argv, stdio = "inherit" }: Entry): ChildProcess {
  const options = binds.flatMap(({ host, inside, readonly }) => [
    readonly ? "--bind-ro" : "--bind",
    `${host}:${inside}`,
  ]);
  const command = [ENTER, ...(tree === undefined ? [] : ["--tree", tree]), "--state", state, ...options, "--", ...argv];
  return spawn("setpriv", ["--pdeathsig", "TERM", "--", ...command], { stdio });
}
