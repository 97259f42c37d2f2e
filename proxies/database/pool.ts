/** The connections to the one database this proxy speaks to. */
import pg from "pg";
import { type Static, Type } from "typebox";
import { parseExact } from "../../kernel/abi/json.ts";
import { ConfigError, credential, type Directories } from "../../kernel/process/config.ts";
import type { Log } from "../../kernel/process/log.ts";
import { compile } from "../../kernel/process/schema.ts";
import { resultTypes } from "./results.ts";

/** The credential `database.json`. `host` is a directory for a unix socket; a password is not needed where the server asks the Linux kernel. */
export const DatabaseCredential = Type.Object(
  {
    host: Type.String({ minLength: 1, maxLength: 255 }),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
    database: Type.String({ minLength: 1, maxLength: 63 }),
    user: Type.String({ minLength: 1, maxLength: 63 }),
    password: Type.Optional(Type.String({ minLength: 1, maxLength: 1024 })),
    /** Certificate authority in PEM; with it the connection is TLS and the server's certificate is checked. */
    ca: Type.Optional(Type.String({ minLength: 1, maxLength: 65_536 })),
  },
  { additionalProperties: false },
);
export type DatabaseCredential = Static<typeof DatabaseCredential>;

const CONNECTIONS_MAX = 8;
// All attempts at a call end before its permit does (PERMIT_MS).
const CONNECT_MS_MAX = 2000;
const STATEMENT_MS_MAX = 5000;
const LOCK_MS_MAX = 3000;
/** Silence of a server that hangs. */
const ANSWER_MS_MAX = 6000;

/** Reads the credential. Throws `ConfigError`. */
export function readCredential(dirs: Pick<Directories, "credentials">): DatabaseCredential {
  const checked = compile(DatabaseCredential)(parseExact(credential(dirs, "database.json").toString("utf8")));
  if (!checked.ok) throw new ConfigError(`The credential database.json: ${checked.why}.`);
  return checked.value;
}

/** Connects when it is first asked. Connections that break are replaced. */
export function openPool({ ca, ...connection }: DatabaseCredential, log: Log): pg.Pool {
  const pool = new pg.Pool({
    ...connection,
    ...(ca === undefined ? {} : { ssl: { ca, rejectUnauthorized: true } }),
    max: CONNECTIONS_MAX,
    types: resultTypes,
    application_name: "silo-database",
    connectionTimeoutMillis: CONNECT_MS_MAX,
    statement_timeout: STATEMENT_MS_MAX,
    lock_timeout: LOCK_MS_MAX,
    idle_in_transaction_session_timeout: ANSWER_MS_MAX,
    query_timeout: ANSWER_MS_MAX,
  });
  pool.on("error", () => log.warn("an idle connection to the database was lost"));
  return pool;
}
