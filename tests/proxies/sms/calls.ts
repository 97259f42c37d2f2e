/** Calls of the SMS proxy as the tests make them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ProxyProcess } from "../proxy/process.ts";
import { commandOf } from "./pdu.ts";
import type { Fate, Judge } from "./wire.ts";

const permitted = { to: "[PHONE_1]", text: "[OTHER_1][OTHER_2]" };
export const NUMBER = "+49 30 23125 001";
let calls = 0;
export const fresh = () => ({ capability: "sms:send", task: `task_${String(++calls).padStart(16, "0")}`, epoch: 1 });
type Terms = ReturnType<typeof fresh>;

/** One PDU of a kind meets this fate, every other passes. */
export const on =
  (command: number, fate: Fate | ((pdu: Buffer) => Fate)): Judge =>
  (pdu) => {
    if (commandOf(pdu) !== command) return "pass";
    return typeof fate === "function" ? fate(pdu) : fate;
  };

export function client(of: () => ProxyProcess) {
  const send = (terms: Terms, text: string, to = NUMBER) =>
    of().act(terms, permitted, { values: { to, text }, customer: "C0042" });
  const decide = (terms: Terms) => of().decide(terms, permitted);
  const status = async (message: unknown, of_case = "case_0000000000000001") => {
    const end = await of().act({ capability: "sms:status", case: of_case }, { message: String(message) });
    return end.end === "done" ? (end.value.result as { state: string }).state : end;
  };
  return { send, decide, status };
}

export const sentId = (end: Awaited<ReturnType<ProxyProcess["act"]>>) =>
  end.end === "done" ? (end.value.result as { message: string }).message : undefined;

export async function until<T>(ask: () => Promise<T>, wanted: T, millis = 5000): Promise<T> {
  for (const end = Date.now() + millis; Date.now() < end; await sleep(50)) if ((await ask()) === wanted) return wanted;
  return ask();
}
