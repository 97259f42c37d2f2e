/** The email proxy: one message at a time to one mail server. */
import { join } from "node:path";
import { openDurable } from "../proxy/durable.ts";
import { startProxy } from "../proxy/start.ts";
import { emailActing } from "./acting.ts";
import { readCredential } from "./credential.ts";
import { openSession } from "./smtp.ts";

await startProxy("email", (dirs, _operations, log) => {
  const credential = readCredential(dirs);
  if (credential.tls === "none") log.warn("messages go to the mail server of this machine without TLS");
  const durable = openDurable(join(dirs.var, "proxies/email"), log);
  const outside = { openSession: () => openSession(credential), sender: credential, now: Date.now };
  return { acting: emailActing(durable, outside, log), close: () => durable.close() };
});
