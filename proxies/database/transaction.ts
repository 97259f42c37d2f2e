/**
 * One call in one SQL transaction.
 *
 * Threat: a statement reaches rows of another customer, or half of an effect stays.
 * Contract: the transaction's customer is set before the first statement, for this transaction alone, and row level security reads it. Work
 * that does not end in a commit leaves nothing. Serialisable: what the declared SQL checks still holds when it commits.
 * Failure: what `work` throws comes out again after the rollback; a session that is not known to be clean is closed.
 */
import type { ClientBase, Pool } from "pg";

export type Kind = "read" | "write";

const BEGIN: Readonly<Record<Kind, string>> = {
  read: "begin isolation level repeatable read read only",
  write: "begin isolation level serializable",
};

/** Runs `work` and commits. */
export async function inTransaction<T>(
  pool: Pool,
  kind: Kind,
  customer: string | null,
  work: (session: ClientBase) => Promise<T>,
): Promise<T> {
  const session = await pool.connect();
  // The query in hand fails too; nobody else listens while the session is ours.
  const onLost = () => undefined;
  session.on("error", onLost);
  const release = (clean: boolean) => {
    session.off("error", onLost);
    session.release(!clean);
  };
  try {
    await session.query(BEGIN[kind]);
    await session.query({
      name: "customer",
      text: "select set_config('silo.customer', $1, true)",
      values: [customer ?? ""],
    });
    const value = await work(session);
    await session.query("commit");
    release(true);
    return value;
  } catch (error) {
    const clean = await session.query("rollback").then(
      () => true,
      () => false,
    );
    release(clean);
    throw error;
  }
}

/** Runs `work` so that a value that is not kept leaves nothing but the transaction itself. */
export async function inSavepoint<T>(
  session: ClientBase,
  work: () => Promise<T>,
  isKept: (value: T) => boolean,
): Promise<T> {
  await session.query("savepoint work");
  const value = await work();
  if (!isKept(value)) await session.query("rollback to savepoint work");
  return value;
}
