/**
 * The database proxy's acts: a read in a read-only transaction; an effect and its record in one.
 *
 * An attempt whose commit was never confirmed is tried again: the record then says whether it happened.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { ClientBase, Pool } from "pg";
import { type End, later } from "../../kernel/abi/ends.ts";
import type { Json } from "../../kernel/abi/json.ts";
import type { Operations } from "../../kernel/abi/operations.ts";
import type { Log } from "../../kernel/process/log.ts";
import type { Call, Intent } from "../proxy/admit.ts";
import { inTurn } from "../proxy/in-turn.ts";
import { recordDone, recordOpen, ruleAct, ruleDecide } from "../proxy/record.ts";
import { type Acting, withinBound } from "../proxy/serve.ts";
import { readRecord, writeRecord } from "./effects.ts";
import { failureOf, sqlState } from "./failures.ts";
import { ResultError, shapeRows } from "./results.ts";
import { compileStatements, type Statement } from "./statements.ts";
import { inSavepoint, inTransaction } from "./transaction.ts";

/** Attempts at one transaction that a lost connection or a conflict of transactions ended. */
const ATTEMPTS_MAX = 12;
/** No further attempt begins after so long. */
const ATTEMPTS_MS_MAX = 6000;
/** Longest pause before another attempt, after the first conflict; it doubles up to the other. */
const PAUSE_MS_FIRST = 4;
const PAUSE_MS_MAX = 256;

/** Everything the proxy does. Throws `ConfigError` for SQL that cannot be bound. */
export function databaseActing(operations: Operations, pool: Pool, log: Log): Acting {
  const statements = compileStatements(operations);
  const turn = inTurn();
  const inWriting = <T>(intent: Intent, customer: string | null, work: (session: ClientBase) => Promise<End<T>>) =>
    turn(intent.key, () => attempt(intent, log, () => inTransaction(pool, "write", customer, work)));
  return {
    act(call) {
      const statement = statements.get(call.capability) as Statement;
      const run = (session: ClientBase) => runStatement(session, call, statement);
      if (call.operation.effect === "write")
        return inWriting(call, call.customer, (session) => effect(session, call, run));
      return attempt(call, log, () => inTransaction(pool, "read", call.customer, run));
    },
    decide: (intent) => inWriting(intent, null, (session) => decide(session, intent)),
  };
}

async function runStatement(session: ClientBase, call: Call, { text, parameters }: Statement): Promise<End<Json>> {
  const { rows } = await session.query({ name: call.capability, text, values: parameters(call) });
  return withinBound(shapeRows(call.operation, rows));
}

async function effect(session: ClientBase, call: Call, run: (session: ClientBase) => Promise<End<Json>>) {
  const ruling = ruleAct(await readRecord(session, call), call);
  if (ruling.rule === "answer") {
    await writeRecord(session, call.key, ruling.record);
    return ruling.end;
  }
  const end = await inSavepoint(
    session,
    () => run(session).catch(refusalOf),
    ({ end }) => end === "done",
  );
  await writeRecord(session, call.key, end.end === "done" ? recordDone(call, end.value) : recordOpen(call));
  return end;
}

/** What the database refused for good is an answer; everything else ends the transaction. */
function refusalOf(error: unknown): End<never> {
  const { end } = failureOf(error);
  if (sqlState(error) === undefined || end.end !== "refused") throw error;
  return end;
}

async function decide(session: ClientBase, intent: Intent) {
  const ruling = ruleDecide(await readRecord(session, intent), intent);
  await writeRecord(session, intent.key, ruling.record);
  return ruling.end;
}

async function attempt<T>({ capability }: Intent, log: Log, transaction: () => Promise<End<T>>): Promise<End<T>> {
  const until = performance.now() + ATTEMPTS_MS_MAX;
  for (let tries = 1; ; tries++) {
    try {
      return await transaction();
    } catch (error) {
      if (error instanceof ResultError) return defect(capability, error, log);
      const { end, again } = failureOf(error);
      log.warn({ capability, sqlstate: sqlState(error) ?? null, tries }, "a transaction failed");
      if (!again || tries === ATTEMPTS_MAX || performance.now() > until) return end;
      await sleep(Math.random() * Math.min(PAUSE_MS_FIRST * 2 ** tries, PAUSE_MS_MAX));
    }
  }
}

function defect(capability: string, error: ResultError, log: Log): End<never> {
  log.error({ capability, why: error.message }, "the declaration and the database disagree");
  return later("The database does not return what this operation declares; an administrator must look at it.");
}
