/** The disk's partitions by image/repart, in two passes: the kernel image in the ESP needs the root's hash first. */
import { fileURLToPath } from "node:url";
import { type Build, SEED } from "../build.ts";
import { output } from "./tool.ts";

const DEFINITIONS = fileURLToPath(new URL("../repart", import.meta.url));

/**
 * `create` makes the disk with all but the ESP's content, `complete` fills the ESP. Needs no loop device.
 *
 * @returns what systemd-repart says of each partition, as it says it
 */
export function partition(build: Pick<Build, "disk" | "tree">, pass: "create" | "complete"): unknown {
  const one = pass === "create" ? ["--empty=create", "--size=auto", "--defer-partitions=esp"] : ["--empty=refuse"];
  const said = output(
    "systemd-repart",
    "--offline=yes",
    "--dry-run=no",
    "--json=short",
    "--no-pager",
    `--definitions=${DEFINITIONS}`,
    `--copy-source=${build.tree}`,
    `--seed=${SEED}`,
    ...one,
    build.disk,
  );
  return JSON.parse(said);
}
