/** What a message is called where it crosses an edge: with the capability it is about, if it is about one. */
import type { Edge } from "../../../kernel/abi/edges.ts";

export function nameOf({ from, to }: Pick<Edge, "from" | "to">, message: string, body: unknown): string {
  const { capability, permit } = Object(body) as { capability?: unknown; permit?: unknown };
  const about = capability ?? Object(permit)["capability"];
  return `${from}->${to} ${message}${about === undefined ? "" : ` ${about}`}`;
}
