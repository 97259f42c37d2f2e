/**
 * Loaded into every process of the appliance under test before its own first line (`node --import`): where it imports a module that has a
 * stand-in here, it gets the stand-in, which is the same module with its boundaries marked. No line of the product knows of it.
 */
import { registerHooks } from "node:module";

const marked = [
  "kernel/process/connect.ts",
  "kernel/process/receive.ts",
  "kernel/process/http.ts",
  "kernel/store.ts",
  "proxies/proxy/durable.ts",
  "proxies/database/transaction.ts",
  "proxies/email/smtp.ts",
  "proxies/sms/session.ts",
  "proxies/vault/case-keys.ts",
  "proxies/ingress/answers.ts",
  "jail/isolations.ts",
  "jail/sweep.ts",
];

const root = new URL("../../../", import.meta.url);
const standIns = new Map(
  marked.map((path) => [new URL(path, root).href, new URL(`./of/${path}`, import.meta.url).href]),
);

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const standIn = standIns.get(found.url);
    return standIn === undefined || context.parentURL === standIn ? found : { ...found, url: standIn };
  },
});
