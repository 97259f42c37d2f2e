/** The kv proxy: a small store of each case's own. */
import { join } from "node:path";
import { openDurable } from "../proxy/durable.ts";
import { startProxy } from "../proxy/start.ts";
import { kvActing } from "./acting.ts";

await startProxy("kv", (dirs, operations, log) => {
  const durable = openDurable(join(dirs.var, "proxies/kv"), log);
  return { acting: kvActing(operations, durable, Date.now), close: () => durable.close() };
});
