/** Which OCSF class, activity and objects each verb of the log is. */
import type { Entry, Verb } from "../../../kernel/abi/entry.ts";

/** `category`, `class`, `activity`: the numbers of the schema. `name`: the activity in our word, where the number says Other. */
export type Event = {
  category: number;
  class: number;
  activity: number;
  name?: string;
  attributes: Record<string, unknown>;
};

const OTHER = 99;

/** Nouns of capabilities that name what lies in a store; all other capabilities are calls of an interface. */
const stored = ["customer", "order", "refund", "kv"];

const READ = ["read", "known", "list", "get", "range", "status"];
const datastore = { read: 1, create: 6, delete: 7, other: 2 };
const api = { read: 2, create: 1, delete: 4, other: 3 };

const entity = {
  create: 1,
  update: 3,
  delete: 4,
  move: 5,
  enable: 8,
  disable: 9,
  suspend: 12,
  resume: 13,
} as const;

/** What is done to a task, a role, a key or the node: verb -> what it is done to, and how. */
const managed: Partial<Record<Verb, { type: string; activity: number; name?: string }>> = {
  submit: { type: "task", activity: entity.create },
  expire: { type: "attempt", activity: entity.delete },
  decide: { type: "effect", activity: entity.update },
  settle: { type: "task", activity: entity.update },
  receipt: { type: "answer", activity: entity.update },
  undeliverable: { type: "answer", activity: entity.delete },
  take: { type: "task", activity: entity.move },
  finish: { type: "task", activity: entity.update },
  return: { type: "task", activity: entity.move },
  replay: { type: "run", activity: OTHER },
  shadow: { type: "run", activity: OTHER },
  try: { type: "run", activity: OTHER },
  refusal: { type: "request", activity: OTHER },
  agent_approve: { type: "role", activity: entity.update },
  agent_offline: { type: "role", activity: entity.disable },
  agent_online: { type: "role", activity: entity.enable },
  cell_start: { type: "cell", activity: entity.create },
  cell_end: { type: "cell", activity: entity.delete },
  cells_halt: { type: "node", activity: entity.suspend },
  cells_resume: { type: "node", activity: entity.resume },
  cosign: { type: "checkpoint", activity: entity.update },
  keys_rotate: { type: "signing key", activity: entity.create },
  keys_revoke: { type: "key", activity: entity.disable },
};

export function eventOf(entry: Entry, appliance: string): Event {
  const { verb } = entry;
  if (verb === "intend" || verb === "outcome" || verb === "lookup") return callOf(entry, appliance);
  if (verb === "claim") return sessionOf(entry);
  if (verb === "sign_in") return signInOf(entry);
  if (verb === "finding") return findingOf(entry, appliance);
  if (verb === "start") return startOf(entry, appliance);
  const what = managed[verb];
  if (what === undefined) return { category: 0, class: 0, activity: OTHER, name: verb, attributes: {} };
  const { activity, type } = what;
  const managedEntity = { type, uid: uidOf(entry, type) ?? appliance };
  const attributes = { entity: managedEntity, ...actorOf(entry) };
  return { category: 3, class: 3004, activity, ...(activity === OTHER && { name: verb }), attributes };
}

/** The id of what an entry is about. */
function uidOf({ task, cell, role, keys, delivery, asked, assignment, step, verb }: Entry, type: string) {
  if (verb === "decide") return `${assignment}/${step}`;
  const ids = { task, attempt: cell, answer: delivery, run: assignment, request: asked, role, cell, node: cell };
  const named = ids[type as keyof typeof ids];
  return named ?? keys?.[0] ?? role;
}

function callOf(entry: Entry, appliance: string): Event {
  const { capability, assignment, step, arguments: digest, outcome, code, task } = entry;
  const [noun = "", verb = ""] = capability?.split(":") ?? [];
  const isStored = stored.includes(noun);
  const activities = isStored ? datastore : api;
  const request = {
    uid: `${assignment ?? task ?? "nobody"}/${step ?? 1}`,
    ...(digest !== undefined && { data: { digest } }),
  };
  const response =
    outcome === undefined && code === undefined
      ? {}
      : { response: { message: outcome ?? "refused", ...(code !== undefined && { error: code }) } };
  return {
    category: 6,
    class: isStored ? 6005 : 6003,
    activity: activities[activityOf(verb)],
    attributes: {
      ...(actorOf(entry) ?? { actor: { app_name: "silo" } }),
      src_endpoint: { name: entry.cell ?? appliance },
      ...(isStored
        ? { table: { name: noun }, type_id: 3 }
        : { api: { operation: capability ?? "unknown", request, ...response } }),
    },
  };
}

function activityOf(verb: string): keyof typeof api {
  if (READ.includes(verb)) return "read";
  if (verb === "create" || verb === "send") return "create";
  return verb === "delete" ? "delete" : "other";
}

function sessionOf(entry: Entry): Event {
  const { keys, role, cell } = entry;
  const session = { uid: keys?.[1] ?? cell ?? "", issuer: "silo-kernel" };
  const iam_roles = [{ name: role ?? "", ...(keys?.[0] !== undefined && { uid: keys[0] }) }];
  const user = userOf(entry) ?? { name: "nobody" };
  return { category: 3, class: 3003, activity: 3, attributes: { user, session, iam_roles, ...actorOf(entry) } };
}

function signInOf(entry: Entry): Event {
  const user = userOf(entry) ?? { name: "nobody", type_id: 0 };
  return { category: 3, class: 3002, activity: 1, attributes: { user, service: { name: "console" } } };
}

function findingOf(entry: Entry, appliance: string): Event {
  const { code = "", cell } = entry;
  const finding_info = { uid: `${code}/${cell ?? appliance}`, title: code };
  return { category: 2, class: 2006, activity: 1, attributes: { finding_info, ...actorOf(entry) } };
}

function startOf({ version }: Entry, appliance: string): Event {
  const app = { name: "silo-kernel", uid: appliance, ...(version !== undefined && { version }) };
  return { category: 6, class: 6002, activity: 3, attributes: { app } };
}

/** Who acted: a person, a frontend, or an agent in its cell. */
function actorOf(entry: Entry): { actor: Record<string, unknown> } | null {
  const user = userOf(entry);
  if (user === null) return null;
  const session = entry.keys?.[1] ?? entry.cell;
  return { actor: { user, ...(session !== undefined && { session: { uid: session } }) } };
}

function userOf({ who, role }: Entry): Record<string, unknown> | null {
  if (who !== undefined) return { name: who, type_id: 1, ...(role !== undefined && { groups: [{ name: role }] }) };
  return role === undefined ? null : { name: role, type_id: 4 };
}
