/**
 * policy.yaml: what an agent folder asks for. It asks; an administrator grants.
 *
 * Threat: a folder asks for something that reads harmlessly and means more, or that nobody enforces.
 * Contract: every name in it is known and every value of its exact form; what comes back is what will be in force after approval.
 * Failure: POLICY_INVALID with `policy.yaml:line:column` and the rule. A spare name is a fault, never ignored.
 */
import { type Static, Type } from "typebox";
import { done, type End, refused } from "./abi/ends.ts";
import type { Capabilities } from "./abi/grant.ts";
import { Name } from "./abi/ids.ts";
import { Isolation, Resources } from "./abi/messages.ts";
import type { Operations } from "./abi/operations.ts";
import { grantOf, WrittenCapabilities } from "./grants.ts";
import { ConfigError, parseYaml } from "./process/config.ts";
import { type Check, refine } from "./process/schema.ts";

export type Policy = {
  role: string;
  isolation: Isolation;
  deadline_ms: number;
  resources: Resources;
  escalates_to: string[];
  subagents: string[];
  capabilities: Capabilities;
};

/** Shorter than the life of a task key, so that no key runs out in the hands of a cell that is in time. */
export const DEADLINE_SECONDS_MAX = 15 * 60;
export const POLICY_BYTES_MAX = 64 * 1024;
/** What a cell gets where the policy says nothing. */
export const defaults: Pick<Policy, "isolation" | "deadline_ms" | "resources"> = {
  isolation: "gvisor",
  deadline_ms: 120_000,
  resources: { memory_mib: 256, work_mib: 16, processes: 32, files: 128, output_kib: 64 },
};
/** Faults are shown on terminals: plain, and not longer than anyone reads. */
const FAULT_CHARS_MAX = 400;

const Roles = Type.Array(Name, { maxItems: 16, uniqueItems: true });
const Written = Type.Object(
  {
    role: Name,
    isolation: Type.Optional(Isolation),
    deadline_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: DEADLINE_SECONDS_MAX })),
    resources: Type.Optional(Type.Partial(Resources, { additionalProperties: false })),
    escalates_to: Type.Optional(Roles),
    subagents: Type.Optional(Roles),
    capabilities: WrittenCapabilities,
  },
  { additionalProperties: false },
);

/** Reads policies against the operations of this appliance. POLICY_INVALID. */
export function policyReader(operations: Operations): (text: string, file?: string) => End<Policy> {
  const check = refine(Written, ({ capabilities }) => {
    const grant = grantOf(capabilities, operations);
    return typeof grant === "string" ? `/capabilities${grant}` : undefined;
  });
  return (text, file = "policy.yaml") => {
    if (Buffer.byteLength(text) > POLICY_BYTES_MAX)
      return refused("POLICY_INVALID", `${file} is longer than ${POLICY_BYTES_MAX} bytes.`);
    const written = read(text, file, check);
    if (written.end !== "done") return written;
    const grant = grantOf(written.value.capabilities, operations);
    return typeof grant === "string" ? refused("POLICY_INVALID", grant) : done(complete(written.value, grant));
  };
}

function read(text: string, file: string, check: Check<typeof Written>): End<Static<typeof Written>> {
  try {
    return done(parseYaml(text, file, check));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const plain = error.message.replace(/[^\x20-\x7e]/g, "?");
    return refused("POLICY_INVALID", plain.slice(0, FAULT_CHARS_MAX));
  }
}

function complete(written: Static<typeof Written>, capabilities: Capabilities): Policy {
  return {
    role: written.role,
    isolation: written.isolation ?? defaults.isolation,
    deadline_ms: written.deadline_seconds === undefined ? defaults.deadline_ms : written.deadline_seconds * 1000,
    resources: { ...defaults.resources, ...written.resources },
    escalates_to: written.escalates_to ?? [],
    subagents: written.subagents ?? [],
    capabilities,
  };
}
