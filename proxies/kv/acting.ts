/** The kv proxy's acts: a read answers at once, an effect and its record commit in one transaction. */
import type { End } from "../../kernel/abi/ends.ts";
import type { Json } from "../../kernel/abi/json.ts";
import type { Operations } from "../../kernel/abi/operations.ts";
import { ConfigError } from "../../kernel/process/config.ts";
import type { Call, Intent } from "../proxy/admit.ts";
import type { Durable, Table } from "../proxy/durable.ts";
import {
  type Attempt,
  type EffectRecord,
  type Ruling,
  recordDone,
  recordOpen,
  ruleAct,
  ruleDecide,
} from "../proxy/record.ts";
import type { Acting } from "../proxy/serve.ts";
import { type Command, commands } from "./commands.ts";
import type { Entry, Keys } from "./room.ts";

/** Everything one proxy does, on the environment it holds. `now` in ms since 1970. */
export function kvActing(operations: Operations, durable: Durable, now: () => number): Acting {
  const keys: Keys = {
    entries: durable.table<Entry>("entries"),
    items: durable.table<string>("items"),
    bytes: durable.table<number>("bytes"),
  };
  const records = durable.table<EffectRecord>("effects");
  const byCapability = ownCommands(operations);
  return {
    act(call) {
      const command = byCapability.get(call.capability) as Command;
      const run = () => command(keys, { case: call.case, now: now() }, call.values);
      return call.operation.effect === "read" ? run() : durable.commit(() => effect(records, call, run));
    },
    decide: (intent) => durable.commit(() => answer(records, intent.key, ruleDecide(records.get(intent.key), intent))),
  };
}

/** Inside a transaction. */
function effect(records: Table<EffectRecord>, call: Call, run: () => End<Json>): End<Json> {
  const ruling = ruleAct(records.get(call.key), call);
  if (ruling.rule === "answer") return answer(records, call.key, ruling);
  const end = run();
  const attempt: Attempt = { epoch: call.epoch, arguments: call.arguments };
  records.putSync(call.key, end.end === "done" ? recordDone(attempt, end.value) : recordOpen(attempt));
  return end;
}

function answer<T>(records: Table<EffectRecord>, key: Intent["key"], ruling: Ruling<T> & { rule: "answer" }): End<T> {
  if (ruling.record !== undefined) records.putSync(key, ruling.record);
  return ruling.end;
}

/** The command of each declared operation. Throws `ConfigError` where the declaration and the command disagree. */
function ownCommands(operations: Operations): ReadonlyMap<string, Command> {
  const own = [...operations].filter(([, { proxy }]) => proxy === "kv");
  return new Map(
    own.map(([capability, { action, effect }]) => {
      const name = String(action["command"]);
      const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
      if (command === undefined) throw new ConfigError(`${capability}: kv has no command ${name}.`);
      if (command.writes !== (effect === "write")) throw new ConfigError(`${capability}: ${name} is not a ${effect}.`);
      return [capability, command.run];
    }),
  );
}
