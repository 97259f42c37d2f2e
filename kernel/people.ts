/**
 * people.yaml: who works here, and what the roles of people may do. A role of people asks for capabilities as an agent folder does, and is
 * approved in the same way; its clicks run the tools of an agent's bundle.
 *
 * Contract: every role a person has is declared, every capability exists. Failure: `ConfigError` with file, line, column; the kernel does
 * not start.
 */
import { type Static, Type } from "typebox";
import type { Capabilities } from "./abi/grant.ts";
import { Name } from "./abi/ids.ts";
import { digest } from "./abi/json.ts";
import type { Operations } from "./abi/operations.ts";
import { grantOf, WrittenCapabilities } from "./grants.ts";
import { ConfigError, type Directories, readYaml } from "./process/config.ts";
import { refine } from "./process/schema.ts";

export type Person = { person: string; roles: readonly string[]; administrator: boolean };

/** A role of people, as declared. `digest` names the declaration: it is what an administrator approves. */
export type HumanRole = { role: string; tools: string; asks: Capabilities; escalates_to: string[]; digest: string };

export type People = {
  readonly people: ReadonlyMap<string, Person>;
  readonly roles: ReadonlyMap<string, HumanRole>;
};

const Roles = Type.Array(Name, { maxItems: 64, uniqueItems: true });
/** As many as a base key names (claims.ts): with more no cell would get a key that verifies. */
const EscalatesTo = Type.Array(Name, { maxItems: 16, uniqueItems: true });
const PeopleFile = Type.Object(
  {
    roles: Type.Record(
      Name,
      Type.Object(
        {
          /** The agent role whose tools.py these people click. */
          tools: Name,
          escalates_to: Type.Optional(EscalatesTo),
          capabilities: WrittenCapabilities,
        },
        { additionalProperties: false },
      ),
      { additionalProperties: false, maxProperties: 256 },
    ),
    people: Type.Record(
      Name,
      Type.Object(
        { roles: Type.Optional(Roles), administrator: Type.Optional(Type.Boolean()) },
        { additionalProperties: false },
      ),
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);
type PeopleFile = Static<typeof PeopleFile>;

/** Reads `people.yaml`. Throws `ConfigError`. */
export function readPeople(dirs: Pick<Directories, "etc" | "var">, operations: Operations): People {
  const file = readYaml(
    dirs,
    "people.yaml",
    refine(PeopleFile, (value) => peopleFault(value, operations)),
  );
  return {
    people: new Map(Object.entries(file.people).map(([name, written]) => [name, personOf(name, written)])),
    roles: new Map(Object.entries(file.roles).map(([name, written]) => [name, roleOf(name, written, operations)])),
  };
}

function peopleFault({ roles, people }: PeopleFile, operations: Operations): string | undefined {
  for (const [name, role] of Object.entries(roles)) {
    if (Object.hasOwn(roles, role.tools)) return `/roles/${name}/tools is itself a role of people`;
    const grant = grantOf(role.capabilities, operations);
    if (typeof grant === "string") return `/roles/${name}/capabilities${grant}`;
  }
  for (const [name, person] of Object.entries(people)) {
    const unknown = person.roles?.findIndex((role) => !Object.hasOwn(roles, role)) ?? -1;
    if (unknown >= 0) return `/people/${name}/roles/${unknown} is not among roles`;
  }
  return undefined;
}

function personOf(person: string, written: PeopleFile["people"][string]): Person {
  return { person, roles: written.roles ?? [], administrator: written.administrator ?? false };
}

function roleOf(role: string, written: PeopleFile["roles"][string], operations: Operations): HumanRole {
  const asks = grantOf(written.capabilities, operations);
  if (typeof asks === "string") throw new ConfigError(asks);
  const declared = { role, tools: written.tools, asks, escalates_to: written.escalates_to ?? [] };
  return { ...declared, digest: digest(declared) };
}
