/**
 * The transition map: who gets a task next. A fixed table, a pure function over it, no model and no memory.
 *
 * Contract: the first rule whose conditions all hold decides. Completed, Escalated, Failed and TimedOut each end with a rule without
 * conditions, so that no task can be left without a next step. A task that has been handed over HOPS_MAX times ends Failed.
 * Failure: a map that breaks this is not read (`ConfigError` with file, line, column); the kernel does not start.
 */
import { type Static, Type } from "typebox";
import { type Event, events } from "./abi/events.ts";
import { Name } from "./abi/ids.ts";
import { type Directories, readYaml } from "./process/config.ts";
import { refine } from "./process/schema.ts";

const Rule = Type.Object(
  {
    on: Type.Enum(events),
    kind: Type.Optional(Name),
    /** The role that had the task. */
    from: Type.Optional(Name),
    /** What was given as the reason: an agent's words, or a code. */
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    hops_min: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
    /** Whether the role named in `from` is offline. */
    offline: Type.Optional(Type.Boolean()),
    /** Holds for one task in so many; the agent that has it otherwise runs beside, in shadow. */
    shadow_one_in: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    to: Type.Optional(Name),
    end: Type.Optional(Type.Union([Type.Literal("Completed"), Type.Literal("Failed")])),
  },
  { additionalProperties: false },
);
type Rule = Static<typeof Rule>;

const TransitionMap = Type.Array(Rule, { minItems: 1, maxItems: 1000 });
export type TransitionMap = Static<typeof TransitionMap>;

/** What route() looks at. */
export type Facts = {
  kind: string;
  /** The role that had it; null at TaskCreated. */
  from: string | null;
  reason: string | null;
  /** How often the task was handed over. */
  hops: number;
  online: (role: string) => boolean;
  /** Uniform in [0, 1), drawn once for this event. */
  random: number;
};

/**
 * `to`: a new assignment for that role; with it `shadow`, where a rule with `shadow_one_in` decided: who would have had the task without that
 * rule. `wait`: a new assignment for a role that is offline; the task stays ready.
 */
export type Next = { to: string; shadow?: string } | { end: "Completed" | "Failed" } | { wait: string };

export const HOPS_MAX = 16;

const ALWAYS_DECIDED: readonly Event[] = ["Completed", "Escalated", "Failed", "TimedOut"];
const CONDITIONS = ["kind", "from", "reason", "hops_min", "offline", "shadow_one_in"] as const;

/** Reads `transitions.yaml`. Throws `ConfigError`. */
export function readTransitions(dirs: Pick<Directories, "etc" | "var">): TransitionMap {
  return readYaml(dirs, "transitions.yaml", refine(TransitionMap, mapFault));
}

/** The next step, or null when no rule speaks of this event (a TaskCreated of an unknown kind). */
export function route(map: TransitionMap, event: Event, facts: Facts): Next | null {
  const rule = map.find((rule) => rule.on === event && holds(rule, facts));
  if (rule === undefined) return null;
  if (rule.to === undefined) return { end: rule.end ?? "Failed" };
  if (facts.hops >= HOPS_MAX) return { end: "Failed" };
  if (!facts.online(rule.to)) return insteadOf(map, rule.to, facts);
  return rule.shadow_one_in === undefined ? { to: rule.to } : withShadow(map, event, facts, rule.to);
}

/** Beside the role that was drawn, the one that has the task otherwise. */
function withShadow(map: TransitionMap, event: Event, facts: Facts, to: string): Next {
  const undrawn = map.filter(({ shadow_one_in }) => shadow_one_in === undefined);
  const next = route(undrawn, event, facts);
  return next !== null && "to" in next && next.to !== to ? { to, shadow: next.to } : { to };
}

/** Who stands in for a role that is offline: what the map says on RoleOffline, else the task waits for the role itself. */
function insteadOf(map: TransitionMap, role: string, facts: Facts): Next {
  const offline = { ...facts, from: role };
  const rule = map.find((rule) => rule.on === "RoleOffline" && holds(rule, offline));
  if (rule?.end !== undefined) return { end: rule.end };
  return rule?.to !== undefined && facts.online(rule.to) ? { to: rule.to } : { wait: role };
}

function holds(rule: Rule, facts: Facts): boolean {
  return (
    (rule.kind === undefined || rule.kind === facts.kind) &&
    (rule.from === undefined || rule.from === facts.from) &&
    (rule.reason === undefined || rule.reason === facts.reason) &&
    (rule.hops_min === undefined || facts.hops >= rule.hops_min) &&
    (rule.offline === undefined || rule.offline === (facts.from !== null && !facts.online(facts.from))) &&
    (rule.shadow_one_in === undefined || Math.floor(facts.random * rule.shadow_one_in) === 0)
  );
}

function mapFault(map: TransitionMap): string | undefined {
  for (const [at, rule] of map.entries()) {
    if ((rule.to === undefined) === (rule.end === undefined)) return `/${at} needs either \`to\` or \`end\``;
    if (rule.shadow_one_in !== undefined && rule.to === undefined)
      return `/${at} has shadow_one_in and needs \`to\`: the people the agent is compared with`;
    if (rule.shadow_one_in !== undefined && rule.on === "RoleOffline")
      return `/${at} has shadow_one_in on RoleOffline: who is offline runs beside nobody`;
    const earlier = map.slice(0, at).find((other) => other.on === rule.on && !hasCondition(other));
    if (earlier !== undefined) return `/${at} is never reached: an earlier rule on ${rule.on} has no condition`;
  }
  const open = ALWAYS_DECIDED.find((event) => !map.some((rule) => rule.on === event && !hasCondition(rule)));
  return open && `/${map.length - 1} is the last rule, and no rule on ${open} is without conditions`;
}

function hasCondition(rule: Rule): boolean {
  return CONDITIONS.some((name) => rule[name] !== undefined);
}
