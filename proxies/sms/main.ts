/** The SMS proxy: one session with one SMSC, or none where none is configured. */
import { randomInt } from "node:crypto";
import { join } from "node:path";
import type { Log } from "../../kernel/process/log.ts";
import { openDurable } from "../proxy/durable.ts";
import { startProxy } from "../proxy/start.ts";
import { checkOperations, smsActing } from "./acting.ts";
import { type Address, senderOf } from "./address.ts";
import { type Book, openBook, REFERENCE_MAX } from "./book.ts";
import { readCredential, type SmppCredential } from "./credential.ts";
import { keepLink } from "./link.ts";
import { takeReceipts } from "./receipts.ts";
import { openSession } from "./session.ts";

await startProxy("sms", (dirs, operations, log) => {
  checkOperations(operations);
  const credential = readCredential(dirs);
  const durable = openDurable(join(dirs.var, "proxies/sms"), log);
  const draw = () => randomInt(1, REFERENCE_MAX + 1);
  const book = openBook(durable, credential?.receipts_carry_reference ? draw : null);
  const outside = credential && reach(credential, book, log);
  if (outside === undefined) log.warn("no SMSC is configured: every message is refused");
  return {
    acting: smsActing(book, outside, log),
    async close() {
      outside?.close();
      await durable.close();
    },
  };
});

function reach(credential: SmppCredential, book: Book, log: Log) {
  if (credential.tls === "none") log.warn("messages go to an SMSC of this machine without TLS");
  const ids = credential.receipt_ids;
  const take = takeReceipts(book, ids, log);
  const link = keepLink(() => openSession(credential, take), log);
  return { ...link, ids, sender: senderOf(credential.from) as Address };
}
