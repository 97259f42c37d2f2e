/**
 * Asks name servers for the addresses of names: a program of its own, as what comes back was written by strangers.
 * `{"servers": […], "names": […]}` on standard input, `{NAME: Answer}` on standard output.
 */
import { Resolver } from "node:dns/promises";
import { text } from "node:stream/consumers";
import type { Answer } from "./pins.ts";

const TRY_MS = 2_000;
const TRIES = 2;

type Family = { addresses: { address: string; ttl: number }[] } | { error: string };

const { servers, names } = JSON.parse(await text(process.stdin)) as { servers: string[]; names: string[] };
const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES });
resolver.setServers(servers);
const answers = await Promise.all(names.map(async (name) => [name, await ask(name)] as const));
process.stdout.write(JSON.stringify(Object.fromEntries(answers)));

async function ask(name: string): Promise<Answer> {
  const [four, six] = await Promise.all([
    family(() => resolver.resolve4(name, { ttl: true })),
    family(() => resolver.resolve6(name, { ttl: true })),
  ]);
  const found = [four, six].flatMap((one) => ("addresses" in one ? one.addresses : []));
  if (found.length === 0) return { error: "error" in four ? four.error : "ENODATA" };
  return { addresses: found.map(({ address }) => address), ttl: Math.min(...found.map(({ ttl }) => ttl)) };
}

async function family(query: () => Promise<{ address: string; ttl: number }[]>): Promise<Family> {
  try {
    return { addresses: await query() };
  } catch (error) {
    return { error: String((error as NodeJS.ErrnoException).code) };
  }
}
