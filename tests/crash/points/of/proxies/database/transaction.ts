/** The COMMIT of a call's transaction: before it is sent, sent, confirmed. */
import pg from "pg";
import { crossing } from "../../../cross.ts";

export * from "../../../../../../proxies/database/transaction.ts";

type Query = (this: object, ...asked: unknown[]) => Promise<unknown>;

const client = pg.Client.prototype as unknown as { query: Query };
const { query } = client;
const kinds = new WeakMap<object, "read" | "write">();

client.query = function (...asked) {
  const [text] = asked;
  const run = () => query.apply(this, asked);
  if (typeof text === "string" && text.startsWith("begin"))
    kinds.set(this, text.endsWith("read only") ? "read" : "write");
  return text === "commit" ? crossing(`commit of a ${kinds.get(this)}`, run) : run();
};
