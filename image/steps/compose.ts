/** The root as a tree, and the disk with its root and verity partition; the ESP waits for the root's hash. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Build, WORKSHOP } from "../build.ts";
import { partition } from "./partition.ts";
import { run } from "./tool.ts";

const COMPOSE = fileURLToPath(new URL("../root.sh", import.meta.url));

type Made = { type: string; roothash?: string };

/** @returns the root's hash */
export function compose(build: Pick<Build, "tree" | "files" | "version" | "disk">): string {
  mkdirSync(join(build.tree, "esp"), { recursive: true });
  run(COMPOSE, WORKSHOP.appliance, build.files, build.version, join(build.tree, "root"));
  rmSync(build.disk, { force: true });
  const made = partition(build, "create") as Made[];
  const hash = made.find(({ type }) => type === "root-x86-64")?.roothash;
  if (hash === undefined) throw new Error("systemd-repart told no hash of the root.");
  return hash;
}
