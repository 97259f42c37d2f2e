/**
 * The mutants that may survive, each with its reason. An entry is the mutated source as `npm run mutate` prints it and stands for
 * one mutant; one that no mutant survives as any more is an error, so that the list cannot go stale.
 */
import { readFileSync } from "node:fs";
import { parse } from "yaml";

export type Accepted = { readonly file: string; readonly mutant: string; readonly why: string };
export type Survivor = { readonly file: string; readonly mutant: string };

/** `accepted.yaml`: file -> its accepted mutants. Throws on an entry without a reason. */
export function readAccepted(): Accepted[] {
  const text = readFileSync(new URL("accepted.yaml", import.meta.url), "utf8");
  const byFile = (parse(text) ?? {}) as Record<string, { mutant: string; why: string }[]>;
  return Object.entries(byFile).flatMap(([file, entries]) =>
    entries.map(({ mutant, why }) => {
      if (typeof mutant !== "string" || typeof why !== "string" || why.trim() === "")
        throw new Error(`accepted.yaml: every mutant of ${file} needs the keys "mutant" and "why".`);
      return { file, mutant, why };
    }),
  );
}

/** Which survivors nobody accepted, and which entries no survivor answers to. */
export function compare<S extends Survivor>(survivors: readonly S[], accepted: readonly Accepted[]) {
  const stale = [...accepted];
  const unaccepted = survivors.filter(({ file, mutant }) => {
    const at = stale.findIndex((entry) => entry.file === file && entry.mutant === mutant);
    if (at !== -1) stale.splice(at, 1);
    return at === -1;
  });
  return { unaccepted, stale };
}

/** The source lines a mutation touches as they read with it, in one line. Positions count from 1, `end` is not part of it. */
export function mutatedSource(source: string, { start, end }: Location, replacement: string): string {
  const lines = source.split("\n");
  const before = lines[start.line - 1]?.slice(0, start.column - 1) ?? "";
  const after = lines[end.line - 1]?.slice(end.column - 1) ?? "";
  return `${before}${replacement}${after}`.replace(/\s+/g, " ").trim();
}

type Location = { start: Position; end: Position };
type Position = { line: number; column: number };
