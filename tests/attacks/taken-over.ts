/** A whole running appliance, one process of which was taken over, and the strings of that process. */
import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { customerNeedles } from "../../console/trial/leaks.ts";
import { makeShop, readRefunds } from "../../console/trial/shop.ts";
import { readMails } from "../../console/trial/smtp.ts";
import { edges, type ProcessName, socketPath } from "../../kernel/abi/edges.ts";
import { openClient } from "../appliance/http.ts";
import { startTestAppliance, type TestAppliance } from "../appliance/world.ts";
import { type Said, stringsPath } from "./puppet.ts";

const RUN = "/run/silo";
export const patience = { timeout: 30_000, interval: 50 };

export type Entry = Record<string, unknown> & { ledger?: { scope: string; amount: number; total: number }[] };

export type TakenOver = Awaited<ReturnType<typeof startTakenOver>>;

/** Starts it; `hello` and `refund-agent` are approved. `program`: what runs in the place of `name`, relative to this folder. */
export async function startTakenOver(name: ProcessName, program: string) {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const appliance = await startTestAppliance("tests/attacks/taken-over-inside.ts", [`proxies/${name}`, path]);
  const { places, ask } = appliance;
  await approve(appliance, ["hello", "refund-agent"]);
  const pull = <T>(order: string, body: object = {}) => pullAt<T>(stringsPath(places.run, name), order, body);
  const say = (to: ProcessName, message: string, body: object) => pull<Said>("say", { to, message, body });

  return {
    appliance,
    pull,
    /** One request on an edge of its own. */
    say,
    /** The same, for its code; `done`, `later` and `violation` are themselves. */
    async code(to: ProcessName, message: string, body: object): Promise<string> {
      const { end, code, violation, errno } = await say(to, message, body);
      return code ?? end ?? errno ?? (violation === undefined ? "nothing" : "violation");
    },
    /** A task of the shop's. */
    async submit(kind: string, customer: string, fields: object = {}, text = "Please."): Promise<string> {
      const shop = openClient(appliance, "shop");
      const { body } = await shop.post({ kind, customer, fields, text }, randomUUID());
      if (typeof body["task"] !== "string") throw new Error(JSON.stringify(body));
      return body["task"];
    },
    refunds: () => readRefunds({ superuser: { host: `${places.name}/shop`, user: "postgres", database: "shop" } }),
    mails: () => readMails(`${places.var}/mail`),
    /** The audit log of a task, or all of it. */
    async entries(task: string | null = null): Promise<Entry[]> {
      const { entries } = await ask("audit_show", { task, from: 0, limit: 1000 });
      return entries.map(({ entry }) => entry as Entry);
    },
    /** Which sockets of other processes it can connect to: `from->to`, of every edge that does not lead to itself. */
    async reachable(): Promise<string[]> {
      const got: string[] = [];
      for (const { from, to } of edges.filter(({ to }) => to !== name)) {
        const end = await pull<string>("connects", { to: socketPath(RUN, to, from) });
        if (end !== "EACCES") got.push(end === "open" ? `${from}->${to}` : `${from}->${to}: ${end}`);
      }
      return got;
    },
    /** Customers' values in anything it ever received. */
    async valuesHeard(): Promise<string[]> {
      const heard = await pull<string[]>("heard");
      return needles.find(Buffer.from(heard.join("\n"))).map(({ text }) => text);
    },
  };
}

const needles = customerNeedles(makeShop().customers);

async function approve({ ask }: TestAppliance, roles: readonly string[]): Promise<void> {
  const { agents } = await ask("agent_list", {});
  for (const { role, folder } of agents)
    if (roles.includes(role)) await ask("agent_approve", { role, folder: folder ?? "" });
}

function pullAt<T>(socketPath: string, order: string, body: object): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const asked = request({ socketPath, path: `/${order}`, method: "POST", agent: false });
  asked.once("error", reject);
  asked.once("response", (response) => json(response).then((value) => resolve(value as T), reject));
  asked.end(JSON.stringify(body));
  return promise;
}
