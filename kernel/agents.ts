/**
 * What an administrator sees of roles and decides about them: approve, offline, online.
 *
 * Threat: what is approved is not what was looked at; a folder that cannot be approved hides the one that runs; a folder takes the name
 * of a role of people.
 * Contract: an approval names the digest that was shown, and the folder is read again and must still have it; grant and audit entry
 * change in one transaction, after the bundle is durable. A changed folder changes nothing until it is approved.
 * Failure: BUNDLE_INVALID, POLICY_INVALID, ROLE_UNKNOWN; *later* when the disk does not take the bundle.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { AgentLine } from "./abi/console-messages.ts";
import { done, type End, refused } from "./abi/ends.ts";
import type { Capabilities } from "./abi/grant.ts";
import type { Operations } from "./abi/operations.ts";
import { keepBundle } from "./bundles.ts";
import { type Core, note } from "./core.ts";
import { type Folder, readFolder } from "./folder.ts";
import { isWeaker } from "./isolation.ts";
import type { People } from "./people.ts";
import { defaults, type Policy, policyReader } from "./policy.ts";
import type { Role } from "./records.ts";

export type Agents = {
  /** Every role there is a folder, a declaration or an approval of, by name. */
  list(): End<AgentLine[]>;
  /** Approves what has the digest `shown`; the role goes online unless it was set offline. */
  approve(role: string, shown: string, who: string): Promise<End<AgentLine>>;
  /** Keeps a role's folder as it is now as a bundle that is not approved; its digest. Of the approved bundle where there is no folder. */
  stage(role: string): End<string>;
  turn(role: string, to: "online" | "offline", who: string): Promise<End<AgentLine>>;
};

/** What could be approved under a role's name now. `folder` is null for a role of people: it brings no code. */
type Offer = { digest: string; terms: Terms; folder: Folder | null };
type Terms = Pick<Role, "tools" | "isolation" | "deadline_ms" | "resources" | "escalates_to" | "subagents"> & {
  asks: Capabilities;
};

export const AGENT_FOLDERS_MAX = 256;
const ROLE_NAME = /^[a-z][a-z0-9-]{0,39}$/;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** `state` is the state directory (`/var/silo`): folders lie in `agents`, bundles in `bundles`. */
export function openAgents(
  core: Pick<Core, "store" | "commit" | "now" | "settings">,
  options: { state: string; people: People; operations: Operations },
): Agents {
  const { store } = core;
  const { people } = options;
  const arrivals = join(options.state, "agents");
  const bundles = join(options.state, "bundles");
  const readPolicy = policyReader(options.operations);

  function offerOf(role: string): End<Offer> {
    const declared = people.roles.get(role);
    const names = namesIn(arrivals);
    if (names.end !== "done") return names;
    const folder = names.value.includes(role) ? readFolder(join(arrivals, role)) : null;
    if (declared !== undefined) {
      if (folder !== null) return refused("BUNDLE_INVALID", "people.yaml gives this name to a role of people.");
      const { tools, asks, escalates_to, digest } = declared;
      return done({ digest, terms: { ...defaults, tools, asks, escalates_to, subagents: [] }, folder: null });
    }
    if (folder === null) return refused("ROLE_UNKNOWN", `There is no folder ${role} in ${arrivals}.`);
    return folder.end === "done" ? offerOfFolder(role, folder.value) : folder;
  }

  function offerOfFolder(role: string, folder: Folder): End<Offer> {
    const policy = policyOf(folder, readPolicy);
    if (policy.end !== "done") return policy;
    const { capabilities: asks, role: named, ...rest } = policy.value;
    if (named !== role)
      return refused("POLICY_INVALID", `The folder is called ${role}, its policy.yaml says ${named}.`);
    const weakest = core.settings.cells.weakest_isolation;
    if (isWeaker(rest.isolation, weakest))
      return refused(
        "POLICY_INVALID",
        `policy.yaml asks for isolation ${rest.isolation}; silo.yaml allows none weaker than ${weakest}.`,
      );
    return done({ digest: folder.digest, terms: { ...rest, tools: role, asks }, folder });
  }

  function lineOf(role: string): AgentLine {
    const offer = offerOf(role);
    const approved = store.roles.get(role);
    return {
      role,
      state: stateOf(offer, approved),
      bundle: approved?.approved ?? null,
      folder: offer.end === "done" ? offer.value.digest : null,
      asks: offer.end === "done" ? offer.value.terms.asks : null,
      granted: approved?.grant ?? null,
      isolation: {
        asked: offer.end === "done" && offer.value.folder !== null ? offer.value.terms.isolation : null,
        approved: approved === undefined || approved.human ? null : approved.isolation,
      },
      problem: problemOf(offer),
    };
  }

  return {
    list() {
      const names = namesIn(arrivals);
      if (names.end !== "done") return names;
      const approved = store.roles.all().map(({ key }) => key as string);
      const all = new Set([...names.value, ...people.roles.keys(), ...approved]);
      return done([...all].sort().map(lineOf));
    },

    async approve(role, shown, who) {
      const offer = offerOf(role);
      if (offer.end !== "done") return offer;
      const { digest, folder } = offer.value;
      if (digest !== shown) return refused("BUNDLE_INVALID", "It has changed since it was shown. Look at it again.");
      const kept = folder === null ? done(null) : keepBundle(folder, bundles);
      if (kept.end !== "done") return kept;
      await core.commit(() => {
        store.roles.put(role, approvedRole(role, offer.value, who, core.now(), store.roles.get(role)));
        note(core, "agent_approve", { who, role, bundle: digest });
      });
      return done(lineOf(role));
    },

    stage(role) {
      const names = namesIn(arrivals);
      const approved = store.roles.get(role);
      if (names.end === "done" && !names.value.includes(role) && approved !== undefined) return done(approved.approved);
      const offer = offerOf(role);
      if (offer.end !== "done") return offer;
      const { digest, folder } = offer.value;
      const kept = folder === null ? done(null) : keepBundle(folder, bundles);
      return kept.end === "done" ? done(digest) : kept;
    },

    async turn(role, to, who) {
      if (people.roles.has(role)) return refused("NOT_PERMITTED", "A role of people is neither online nor offline.");
      const turned = await core.commit(() => {
        const approved = store.roles.get(role);
        if (approved === undefined) return false;
        store.roles.put(role, { ...approved, online: to === "online" });
        note(core, to === "online" ? "agent_online" : "agent_offline", { who, role });
        return true;
      });
      return turned ? done(lineOf(role)) : refused("ROLE_UNKNOWN", `No role ${role} has been approved.`);
    },
  };
}

/** Folders that bear the name of a role; others cannot be approved under any name. */
function namesIn(arrivals: string): End<string[]> {
  const names = readdirSync(arrivals).filter((name) => ROLE_NAME.test(name));
  if (names.length <= AGENT_FOLDERS_MAX) return done(names);
  return refused("BUNDLE_INVALID", `There are more than ${AGENT_FOLDERS_MAX} folders in ${arrivals}. Remove some.`);
}

function policyOf(folder: Folder, read: (text: string) => End<Policy>): End<Policy> {
  const text = decode(folder.files.find(({ path }) => path === "policy.yaml")?.bytes);
  return text === null ? refused("POLICY_INVALID", "policy.yaml is not UTF-8.") : read(text);
}

function decode(bytes: Buffer | undefined): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

function problemOf(offer: End<Offer>): AgentLine["problem"] {
  if (offer.end === "done") return null;
  return { code: offer.end === "refused" ? offer.code : "BUNDLE_INVALID", message: offer.message };
}

function stateOf(offer: End<Offer>, approved: Role | undefined): AgentLine["state"] {
  if (offer.end !== "done") return "invalid";
  if (approved === undefined || approved.approved !== offer.value.digest) return "pending";
  return approved.online ? "online" : "offline";
}

function approvedRole(role: string, offer: Offer, who: string, now: number, before: Role | undefined): Role {
  const { asks, ...terms } = offer.terms;
  return {
    ...terms,
    role,
    human: offer.folder === null,
    approved: offer.digest,
    grant: asks,
    online: before?.online ?? true,
    approved_by: who,
    approved_at: now,
  };
}
