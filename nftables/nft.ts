/** The one place that runs nft(8): an argument array, its statements on standard input, one transaction a call. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Elements } from "./elements.ts";

const NFT_MS_MAX = 30_000;
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/** `nft` could not be run, or said no; the message is for a person. Nothing was changed. */
export class FirewallError extends Error {
  override name = "FirewallError";
}

/** The frame: silo.nft, with no element in any set. */
export function frame(): string {
  return readFileSync(fileURLToPath(new URL("silo.nft", import.meta.url)), "utf8");
}

/** Runs `statements` as one transaction: all of it, or none. Throws `FirewallError`. */
export function load(statements: string): void {
  nft(["--file", "-"], statements);
}

/** What `load` would say, changing nothing. Throws `FirewallError`. */
export function tryOut(statements: string): void {
  nft(["--check", "--file", "-"], statements);
}

type Listed = { set?: { name: string; elem?: unknown[] }; rule?: Rule; chain?: unknown };
type Rule = { chain: string; comment?: string; expr: { counter?: { packets: number; bytes: number } }[] };

/** What is in the sets now; undefined where the table is not loaded. */
export function loadedElements(): Elements | undefined {
  const sets = listed()?.flatMap(({ set }) => (set === undefined ? [] : [set]));
  return sets && Object.fromEntries(sets.map(({ name, elem = [] }) => [name, elem.map(written)]));
}

/** Rows of one rule that counts; `rule` is its comment. */
export type Count = { chain: string; rule: string; packets: number; bytes: number };

/** Every counted rule in the order of the file; undefined where the table is not loaded. */
export function counts(): Count[] | undefined {
  const rules = listed()?.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
  return rules?.flatMap(({ chain, comment = "", expr }) =>
    expr.flatMap(({ counter }) => (counter === undefined ? [] : [{ chain, rule: comment, ...counter }])),
  );
}

/** The rules that are loaded, without counts and elements; undefined where the table is not loaded. */
export function rules(): string | undefined {
  return isLoaded() ? nft(["--stateless", "--terse", "--numeric", "list", "table", "inet", "silo"]) : undefined;
}

function listed(): Listed[] | undefined {
  if (!isLoaded()) return undefined;
  const text = nft(["--json", "--numeric", "list", "table", "inet", "silo"]);
  return (JSON.parse(text) as { nftables: Listed[] }).nftables;
}

function isLoaded(): boolean {
  return /^table inet silo$/m.test(nft(["list", "tables"]));
}

/** One element of `nft --json` in the words of a statement. An interface's name is text, all else are numbers and addresses. */
function written(element: unknown): string {
  const concat = (Object(element) as { concat?: unknown[] }).concat;
  if (concat === undefined) return String(element);
  return concat.map((part, place) => (place === 0 && concat.length === 2 ? `"${part}"` : String(part))).join(" . ");
}

function nft(argv: readonly string[], input = ""): string {
  const options = { input, encoding: "utf8", timeout: NFT_MS_MAX, env: { PATH, LANG: "C.UTF-8" } } as const;
  const { error, status, stdout, stderr } = spawnSync("nft", argv, { ...options, maxBuffer: 16 * 1024 * 1024 });
  if (error !== undefined) throw new FirewallError(`nft could not be run: ${error.message}`);
  if (status !== 0) throw new FirewallError(`nft refused: ${stderr.trim()}`);
  return stdout;
}
