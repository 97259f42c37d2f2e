/**
 * The console's edge: what each message may do in whose name.
 *
 * Threat: whoever reaches the socket (the console itself is a stranger) sees or does something no person of people.yaml with a secret may.
 * Contract: a connection is nobody until somebody has signed in on it, and nobody again after a failed attempt. Administrators see
 * everything and decide about roles and keys; people see and work the tasks of their roles and nothing else: other tasks do not exist for them.
 * Every sign-in, every action and every refusal is an audit entry with who.
 * What a person says at once is no larger than what an agent may say: it goes on to kin whose frames are bounded.
 * Failure: SIGN_IN_REQUIRED, NOT_PERMITTED, TASK_UNKNOWN, TOO_LARGE.
 */
import { CALL_BYTES_MAX } from "./abi/bounds.ts";
import type { AgentLine, consoleToKernel, TaskLine } from "./abi/console-messages.ts";
import { done, type End, refused } from "./abi/ends.ts";
import type { ValueOf } from "./abi/messages.ts";
import type { Agents } from "./agents.ts";
import { type Core, note } from "./core.ts";
import type { Desk } from "./desk.ts";
import type { Keys } from "./keys.ts";
import type { People, Person } from "./people.ts";
import type { Handlers, Peer } from "./process/listen.ts";
import type { SignIn } from "./signins.ts";
import { tellRefusals } from "./tell-refusals.ts";
import { notWritten, whileBlocked } from "./while-blocked.ts";

type Console = typeof consoleToKernel;
type Status = ValueOf<Console, "status">;
type AuditPage = ValueOf<Console, "audit_show">;

/** What is kept in memory at most of people who sign in while nothing can be written; then they wait. */
const SIGN_INS_UNWRITTEN_MAX = 1000;

/** What only main.ts knows of this appliance. */
export type Appliance = {
  version: string;
  mode: string;
  started: number;
  lowered: string[];
  peers: () => Record<string, boolean>;
  auditLog: () => Status["audit_log"];
  stopped: () => Status["stopped"];
  /** Another key signs the log from now on. */
  rotateLog: (who: string) => Promise<End<{ kid: string }>>;
  /** Takes a checkpoint that witnesses have cosigned. */
  cosign: (note: string, who: string) => Promise<End<ValueOf<Console, "audit_cosign">>>;
};

export function consoleHandlers(
  core: Pick<Core, "store" | "commit" | "ride" | "blocked" | "now">,
  parts: { desk: Desk; agents: Agents; keys: Keys; people: People; signIn: SignIn; appliance: Appliance },
): Handlers<Console> {
  const { desk, agents, keys, people, signIn, appliance } = parts;
  const signedIn = new WeakMap<Peer, Person>();
  /** Sign-ins whose entry waited for the disk. */
  let unwritten = 0;

  /** The message in the name of whoever signed in on this connection. */
  async function as<T>(peer: Peer, act: (person: Person) => End<T> | Promise<End<T>>): Promise<End<T>> {
    const person = signedIn.get(peer);
    return person === undefined ? refused("SIGN_IN_REQUIRED") : act(person);
  }

  async function asAdministrator<T>(peer: Peer, act: (who: string) => End<T> | Promise<End<T>>): Promise<End<T>> {
    return as(peer, ({ person, administrator }) =>
      administrator ? act(person) : refused("NOT_PERMITTED", "Only an administrator may do that."),
    );
  }

  /** The task as this person sees it; TASK_UNKNOWN also when it is none of theirs. */
  function seen(person: Person, task: string): End<ValueOf<Console, "task_show">> {
    const shown = desk.task(task);
    if (shown === null || !maySee(person, shown.line)) return refused("TASK_UNKNOWN");
    return done(person.administrator ? shown : { ...shown, shadow: null }); // a person is compared, not prompted
  }

  /** A decision about a role: dispatch hears of it before the administrator does. */
  async function decided(end: Promise<End<AgentLine>>): Promise<End<{ agent: AgentLine }>> {
    return wrapped(end, (agent) => {
      desk.rolesChanged();
      return { agent };
    });
  }

  const handlers: Handlers<Console> = {
    async sign_in({ person: name, secret }, peer) {
      signedIn.delete(peer);
      const end = await signIn(name, secret);
      if (end.end === "later") return end;
      const entry = () => note(core, "sign_in", signInEntry(name, people, end));
      if (!core.blocked()) unwritten = 0;
      if (!core.blocked()) await core.commit(entry);
      else if (unwritten++ < SIGN_INS_UNWRITTEN_MAX) core.ride(entry);
      else return notWritten;
      if (end.end !== "done") {
        signedIn.delete(peer); // another attempt on this connection may have succeeded meanwhile
        return end;
      }
      signedIn.set(peer, end.value);
      const { person, roles, administrator } = end.value;
      return done({ person, roles: [...roles], administrator });
    },

    status: (_, peer) => as(peer, () => done(statusOf(core, desk, people, appliance))),
    task_list: (filter, peer) =>
      as(peer, (person) => done({ tasks: desk.tasks({ ...filter, roles: visibleRoles(person) }) })),
    task_show: ({ task }, peer) => as(peer, (person) => seen(person, task)),

    task_take: ({ task }, peer) =>
      as(peer, async (person) => {
        const shown = seen(person, task);
        return shown.end === "done" ? wrapped(desk.take(task, person.person, [...person.roles]), withLine) : shown;
      }),
    task_call: ({ task, tool, arguments: given }, peer) =>
      as(peer, async (person) => {
        const shown = said({ tool, arguments: given }, own(person, seen(person, task)));
        return shown.end === "done" ? desk.call(task, person.person, tool, given) : shown;
      }),
    task_finish: ({ task, text, fields }, peer) =>
      as(peer, async (person) => {
        const shown = said({ text, fields }, own(person, seen(person, task)));
        return shown.end === "done" ? wrapped(desk.finish(task, person.person, text, fields), withLine) : shown;
      }),
    task_decide: (asked, peer) =>
      as(peer, async (person) => {
        const shown = own(person, seen(person, asked.task));
        return shown.end === "done" ? wrapped(desk.decide(person.person, asked), withLine) : shown;
      }),
    task_return: ({ task }, peer) =>
      as(peer, async (person) => {
        const shown = own(person, seen(person, task));
        return shown.end === "done" ? wrapped(desk.handBack(task, person.person), withLine) : shown;
      }),

    task_replay: ({ task }, peer) =>
      as(peer, async (person) => {
        const shown = seen(person, task);
        return shown.end === "done" ? asAdministrator(peer, (who) => desk.replay(task, who)) : shown;
      }),

    task_try: (asked, peer) =>
      as(peer, async (person) => {
        const shown = seen(person, asked.task);
        return shown.end === "done" ? asAdministrator(peer, (who) => desk.try({ ...asked, who })) : shown;
      }),

    agent_list: (_, peer) => asAdministrator(peer, () => wrapped(agents.list(), (lines) => ({ agents: lines }))),
    agent_approve: ({ role, folder }, peer) =>
      asAdministrator(peer, (who) => decided(agents.approve(role, folder, who))),
    agent_offline: ({ role }, peer) => asAdministrator(peer, (who) => decided(agents.turn(role, "offline", who))),
    agent_online: ({ role }, peer) => asAdministrator(peer, (who) => decided(agents.turn(role, "online", who))),

    keys_list: (_, peer) => asAdministrator(peer, () => done(keys.list())),
    keys_rotate: ({ kind }, peer) =>
      asAdministrator(peer, (who) => (kind === "log" ? appliance.rotateLog(who) : keys.rotate(kind, who))),
    keys_revoke: ({ of }, peer) => asAdministrator(peer, (who) => keys.revoke(of, who)),

    cells_resume: (_, peer) => asAdministrator(peer, async (who) => done({ resumed: await desk.resume(who) })),

    case_of: ({ customer }, peer) => asAdministrator(peer, () => desk.caseOf(customer)),

    audit_show: (query, peer) =>
      as(peer, (person) => {
        if (person.administrator) return done(desk.auditShow(query));
        if (query.task === null) return refused("NOT_PERMITTED", "Only an administrator may read the whole log.");
        const shown = seen(person, query.task);
        return shown.end === "done" ? done(withoutRunsBeside(desk.auditShow(query))) : shown;
      }),
    audit_cosign: ({ note: brought }, peer) => asAdministrator(peer, (who) => appliance.cosign(brought, who)),
  };
  return whileBlocked(
    core.blocked,
    tellRefusals(core, handlers, (peer) => signedIn.get(peer)?.person ?? null),
  );
}

/** What an agent did in shadow or try is not for the person it is compared with; an entry of a live run has no mode. */
function withoutRunsBeside({ entries, next }: AuditPage): AuditPage {
  return { entries: entries.filter(({ entry }) => entry["mode"] === undefined), next };
}

function maySee(person: Person, line: TaskLine): boolean {
  return person.administrator || (line.role !== null && person.roles.includes(line.role));
}

/** Null: the tasks of every role. */
function visibleRoles(person: Person): string[] | null {
  return person.administrator ? null : [...person.roles];
}

/** Working a task takes its role; seeing everything, as an administrator does, is not enough. */
function own<T extends { line: TaskLine }>(person: Person, shown: End<T>): End<T> {
  if (shown.end !== "done") return shown;
  const { role } = shown.value.line;
  return role !== null && person.roles.includes(role) ? shown : refused("NOT_PERMITTED");
}

/** TOO_LARGE where `body` is larger than what a cell may send. */
function said<T>(body: object, shown: End<T>): End<T> {
  const bytes = Buffer.byteLength(JSON.stringify(body));
  if (shown.end !== "done" || bytes <= CALL_BYTES_MAX) return shown;
  return refused("TOO_LARGE", `That is ${bytes} bytes; at most ${CALL_BYTES_MAX} can be said at once.`);
}

/** Only names of people.yaml reach the log: somebody may have typed a secret where the name belongs. */
function signInEntry(name: string, people: People, end: End<Person>) {
  const who = people.people.has(name) ? { who: name } : {};
  return end.end === "done"
    ? { ...who, decision: "allowed" as const }
    : { ...who, decision: "refused" as const, code: "SIGN_IN_FAILED" };
}

function statusOf(core: Pick<Core, "store">, desk: Desk, people: People, appliance: Appliance): Status {
  const approved = core.store.roles.all().map(({ value }) => value);
  const declared = [...people.roles.keys()].filter((role) => !approved.some((one) => one.role === role));
  const { version, mode, started, lowered } = appliance;
  return {
    ...{ version, mode, started, lowered },
    tasks: desk.counts(),
    roles: [
      ...approved.map((one) => ({ role: one.role, human: one.human, online: one.online, bundle: one.approved })),
      ...declared.map((role) => ({ role, human: true, online: false, bundle: null })),
    ],
    ...desk.cells(),
    audit_entries: desk.auditEntries(),
    stopped: appliance.stopped(),
    audit_log: appliance.auditLog(),
    undelivered: desk.undelivered(),
    peers: appliance.peers(),
  };
}

const withLine = (line: TaskLine) => ({ line });

async function wrapped<T, U>(end: End<T> | Promise<End<T>>, wrap: (value: T) => U): Promise<End<U>> {
  const ended = await end;
  return ended.end === "done" ? done(wrap(ended.value)) : ended;
}
