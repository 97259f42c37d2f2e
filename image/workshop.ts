/** Programs of this checkout that run in the workshop, on the folder of a build. */
import type { ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { WORKSHOP } from "./build.ts";
import { enterBuildRoot } from "./buildroot.ts";

export const CHECKOUT = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** Options of every command about the image. */
export const folderOptions = {
  out: { type: "string", default: "/var/lib/silo/image" },
  keys: { type: "string", default: "/var/lib/silo/keys" },
} as const;

export type Folders = { out: string; keys: string };

/** Nothing of a build belongs into the checkout, its keys least of all. @returns the absolute path; throws where it is inside */
export function outside(folder: string): string {
  const path = resolve(folder);
  if (`${path}/`.startsWith(`${CHECKOUT}/`))
    throw new Error(`${path} is in the checkout: name a folder outside of it.`);
  return path;
}

/** Runs a program of the workshop to its end; `trees` are further folders to bind, read-only. @returns its exit status */
export function inWorkshop(
  { out, keys }: Folders,
  argv: readonly [string, ...string[]],
  trees: readonly { host: string; inside: string }[] = [],
): Promise<number> {
  mkdirSync(outside(out), { recursive: true });
  mkdirSync(outside(keys), { recursive: true, mode: 0o700 });
  return ended(
    enterBuildRoot({
      tree: "workshop",
      state: join(outside(out), "workshop"),
      binds: [
        { host: outside(out), inside: WORKSHOP.image },
        { host: outside(keys), inside: WORKSHOP.keys },
        ...trees.map((tree) => ({ ...tree, readonly: true as const })),
      ],
      argv,
    }),
  );
}

function ended(child: ChildProcess): Promise<number> {
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.once("SIGINT", forward).once("SIGTERM", forward);
  return new Promise((end, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => end(code ?? 1));
  });
}
