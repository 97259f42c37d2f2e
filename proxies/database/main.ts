/** The database proxy: the declared operations on one PostgreSQL database. */
import { startProxy } from "../proxy/start.ts";
import { databaseActing } from "./acting.ts";
import { openPool, readCredential } from "./pool.ts";

await startProxy("database", (dirs, operations, log) => {
  const pool = openPool(readCredential(dirs), log);
  return { acting: databaseActing(operations, pool, log), close: () => pool.end() };
});
