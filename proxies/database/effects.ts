/** The records of effects, in the same database as the effects: table silo.effects (effects.sql). */
import type { ClientBase } from "pg";
import type { Intent } from "../proxy/admit.ts";
import { type EffectRecord, recordOpen } from "../proxy/record.ts";

const LOCK = `insert into silo.effects (key, epoch, arguments, state) values ($1, $2, $3, $4)
  on conflict (key) do update set key = excluded.key
  returning epoch, arguments, state, result`;
const WRITE = "update silo.effects set epoch = $2, state = $3, result = $4, changed = now() where key = $1";

/**
 * The record of this key, locked until the transaction ends. A key that was never seen gets an open record of this attempt, which rules
 * as none would.
 */
export async function readRecord(session: ClientBase, intent: Intent): Promise<EffectRecord> {
  const { epoch, arguments: digest, state } = recordOpen(intent);
  const { rows } = await session.query<EffectRecord>({
    name: "lock effect",
    text: LOCK,
    values: [intent.key, epoch, digest, state],
  });
  return rows[0] as EffectRecord;
}

/** Writes what a ruling or an act left to be recorded, if anything. */
export async function writeRecord(session: ClientBase, key: string, record: EffectRecord | undefined): Promise<void> {
  if (record === undefined) return;
  const { epoch, state, result } = record;
  await session.query({ name: "write effect", text: WRITE, values: [key, epoch, state, JSON.stringify(result)] });
}
